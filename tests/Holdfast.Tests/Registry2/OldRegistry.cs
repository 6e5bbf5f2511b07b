using Holdfast.Configuration;
using Holdfast.Registry2;

namespace Holdfast.Tests.Registry2;

/// <summary>A folder of an old registry's files, and what is made of them.</summary>
public sealed class OldRegistry : IDisposable
{
    // The password is "pw", cost 4.
    public const string Bcrypt = "$2y$04$cIoLtOanB8h9xc.ehjQzZOL.jv.aciqoyQ/4EErvzOqXct6PgeSVG";

    public string Folder { get; } = Directory.CreateTempSubdirectory("holdfast-old-").FullName;

    /// <summary>A file that that registry starts with; what is to be tried comes after it.</summary>
    public const string Base = """
        version: 0.1
        storage: { filesystem: { rootdirectory: /srv/registry } }
        http: { addr: "127.0.0.1:5000" }

        """;

    public string Write(string name, string text)
    {
        var path = Path.Combine(Folder, name);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, text);
        return path;
    }

    internal MoveResult Move(string yaml, Func<MoveRequest, MoveRequest>? with = null)
    {
        var request = new MoveRequest { Sources = [new OfRegistry<string?>(null, Write("private/config.yml", yaml))], Data = Path.Combine(Folder, "data") };
        return new Move(with?.Invoke(request) ?? request).Run();
    }

    internal MoveResult MoveWith(string yaml, params string[] variables) =>
        Move(yaml, request => request with { Variables = [.. variables.Select(v => new OfRegistry<Variable>(null, Variable.Parse(v, "--env")!))] });

    /// <summary>As a server would take it, with upstreams' passwords beside it.</summary>
    internal LoadResult Load(MoveResult result)
    {
        foreach (var registry in result.Files.Select(file => file.Registry).Where(registry => registry.Upstream?.Password is not null))
            Write(MovedConfiguration.PasswordName(registry.Name), registry.Upstream!.Password + "\n");
        return new ConfigurationLoader(new Dictionary<string, string>(StringComparer.Ordinal), Folder, TimeProvider.System)
            .LoadText(result.Configuration ?? throw new InvalidOperationException(Text(result)), "new.yaml", new ConfigurationArguments());
    }

    internal static string Text(MoveResult result)
    {
        using var output = new StringWriter();
        MoveText.Write(new MoveOutcome(result, [], null), new MoveRequest { Sources = [] }, output);
        return output.ToString();
    }

    internal static Remark Remark(MoveResult result, string key) =>
        result.Files.SelectMany(file => file.Remarks).Where(remark => remark.Key == key).ToList() switch
        {
            [var one] => one,
            var others => throw new InvalidOperationException($"{others.Count} remarks of {key}\n{Text(result)}"),
        };

    public void Dispose() => Directory.Delete(Folder, recursive: true);
}
