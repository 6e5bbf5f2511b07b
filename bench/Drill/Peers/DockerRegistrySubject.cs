using System.Diagnostics;
using Holdfast.Drill.Protocol;
using Holdfast.Drill.Servers;
using Holdfast.Testing;

namespace Holdfast.Drill.Peers;

/// <summary>Debian's docker-registry, with its usual cache of descriptors, deletes allowed.</summary>
internal sealed class DockerRegistrySubject : Subject
{
    private const string Program = "docker-registry";

    private readonly string _folder;
    private readonly Uri _address = new($"http://127.0.0.1:{FreePorts.Take()}/");
    private Daemon? _daemon;

    private DockerRegistrySubject(string folder)
    {
        _folder = folder;
        Client = new RegistryClient(_address);
    }

    public static bool IsInstalled => Environment.GetEnvironmentVariable("PATH")!.Split(':').Any(folder => File.Exists(Path.Combine(folder, Program)));

    public override string Name => Program;

    public override RegistryClient Client { get; }

    private string Configuration => Path.Combine(_folder, "config.yml");

    private string Root => Path.Combine(_folder, "data", "docker", "registry", "v2");

    public static async Task<DockerRegistrySubject> StartAsync(string folder, CancellationToken token)
    {
        var subject = new DockerRegistrySubject(folder);
        await File.WriteAllTextAsync(subject.Configuration, $$"""
            version: 0.1
            log: { level: warn }
            storage: { cache: { blobdescriptor: inmemory }, filesystem: { rootdirectory: "{{folder}}/data" }, delete: { enabled: true } }
            http: { addr: "{{subject._address.Authority}}", secret: loopback }
            """, token);
        await subject.LaunchAsync(token);
        return subject;
    }

    /// <summary>Its API takes no tag away without its manifest, so people remove the folder.</summary>
    public override Task RemoveTagAsync(string repository, string tag, CancellationToken token)
    {
        Directory.Delete(Path.Combine(Root, "repositories", repository, "_manifests", "tags", tag), recursive: true);
        return Task.CompletedTask;
    }

    public override async Task CollectAsync(bool untagged, CancellationToken token)
    {
        string[] arguments = untagged ? ["garbage-collect", "-m", Configuration] : ["garbage-collect", Configuration];
        using var process = Process.Start(new ProcessStartInfo(Program, arguments) { UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true })!;
        var errors = process.StandardError.ReadToEndAsync(token);
        await process.StandardOutput.ReadToEndAsync(token);
        await errors;
        // Beside pushes it sometimes fails over a file that has just gone; that is how it is run, so that counts as run.
        await process.WaitForExitAsync(token);
    }

    public override async Task RestartAsync(CancellationToken token)
    {
        await _daemon!.StopAsync();
        await LaunchAsync(token);
    }

    public override string BlobFile(string digest) => Path.Combine(Root, "blobs", "sha256", digest[7..9], digest[7..], "data");

    public override ValueTask DisposeAsync()
    {
        _daemon?.Dispose();
        Client.Dispose();
        return ValueTask.CompletedTask;
    }

    private async Task LaunchAsync(CancellationToken token)
    {
        _daemon?.Dispose();
        _daemon = Daemon.Start(Path.Combine(_folder, "log"), [Program, "serve", Configuration]);
        await _daemon.WaitUntilReadyAsync(new Uri(_address, "v2/"), token);
    }
}
