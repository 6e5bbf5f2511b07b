using Holdfast.Drill.Protocol;
using Holdfast.Drill.Servers;

namespace Holdfast.Drill.Peers;

internal sealed class HoldfastSubject : Subject
{
    private readonly HoldfastServer _server;

    private HoldfastSubject(HoldfastServer server) => _server = server;

    public override string Name => "Holdfast";

    public override RegistryClient Client => _server.Client;

    /// <param name="lease">How long an uploaded blob waits for its manifest.</param>
    public static async Task<HoldfastSubject> StartAsync(string program, string folder, TimeSpan lease, CancellationToken token)
    {
        var server = new HoldfastServer(program, folder);
        server.Settings["collection"] = $"{{ grace: 0s, lease: {lease.TotalMilliseconds:0}ms, interval: 100ms }}";
        await server.StartAsync(token);
        return new HoldfastSubject(server);
    }

    public override async Task RemoveTagAsync(string repository, string tag, CancellationToken token)
    {
        var answer = await Client.DeleteManifestAsync(repository, tag, token);
        if (answer.Status != 202)
            throw new DrillException($"DELETE of tag {repository}:{tag}: {answer}");
    }

    public override async Task CollectAsync(bool untagged, CancellationToken token)
    {
        var (code, output) = await _server.RunCommandAsync(["gc", "run", "--data", _server.Data], token);
        if (code != 0)
            throw new DrillException($"gc run ended with {code}: {output}");
    }

    public override async Task RestartAsync(CancellationToken token)
    {
        await _server.StopAsync();
        await _server.StartAsync(token);
    }

    public override string BlobFile(string digest) => _server.BlobFile(digest);

    public override ValueTask DisposeAsync()
    {
        _server.Dispose();
        return ValueTask.CompletedTask;
    }
}
