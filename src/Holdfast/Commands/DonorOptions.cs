using System.CommandLine;
using Holdfast.Client;
using Holdfast.Doctor.Sources;

namespace Holdfast.Commands;

/// <summary><c>--donor</c>, and how registries among them are reached.</summary>
internal sealed class DonorOptions
{
    private readonly RemoteOptions _remote = new();

    private readonly Option<string[]> _donor = new("--donor")
    {
        Description = "Where lost bytes may still be: a registry, a folder, an archive. May be given more than once.",
        HelpName = "source",
    };

    public void AddTo(Command command)
    {
        command.Add(_donor);
        _remote.AddTo(command);
    }

    /// <exception cref="InvalidDataException">One of them is nothing that can be asked.</exception>
    public async Task<DonorSet> OpenAsync(ParseResult parsed, CancellationToken token)
    {
        var sources = new DonorSet();
        var access = await _remote.ReadAsync(parsed, token);
        access.Tell = text => parsed.InvocationConfiguration.Error.WriteLine(text);
        try
        {
            foreach (var text in parsed.GetValue(_donor) ?? [])
                sources.Sources.AddRange(await OpenAsync(text, access, token));
            return sources;
        }
        catch
        {
            await sources.DisposeAsync();
            throw;
        }
    }

    private static async Task<IReadOnlyList<ContentSource>> OpenPathAsync(string path, CancellationToken token)
    {
        try
        {
            return await SourceFinder.OpenAsync(path, static _ => { }, token);
        }
        catch (SourceException e)
        {
            throw new InvalidDataException($"--donor {path}: {e.Message}", e);
        }
    }

    private static async Task<IReadOnlyList<ContentSource>> OpenAsync(string text, RemoteAccess access, CancellationToken token)
    {
        if (Path.Exists(text))
            return await OpenPathAsync(text, token);
        if (text.StartsWith('/') || text.StartsWith('.'))
            throw new InvalidDataException($"--donor {RegistryTarget.WithoutUser(text)}: there is no such file or folder");
        if (!RegistryTarget.TryParse(text, out var target, out var problem))
            throw new InvalidDataException($"--donor {RegistryTarget.WithoutUser(text)}: there is no such file or folder, and as a registry: {problem}");
        var (client, _, _, fault) = await access.ConnectAsync(target, token);
        return client is null
            ? throw new InvalidDataException($"--donor {text}: {fault}")
            : [new RegistrySource(client, target.Repository.IsNone ? target.Host : $"{target.Host}/{target.Repository}") { Inside = target.Repository }];
    }
}

/// <summary>The donors of one run, in the order in which they were given.</summary>
internal sealed class DonorSet : IAsyncDisposable
{
    public List<ContentSource> Sources { get; } = [];

    public async ValueTask DisposeAsync()
    {
        foreach (var source in Sources)
            await source.DisposeAsync();
    }
}
