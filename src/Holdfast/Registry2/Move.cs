using Holdfast.Configuration;

namespace Holdfast.Registry2;

/// <summary>One old file and what becomes of it.</summary>
internal sealed record MovedFile(string File, MovedRegistry Registry, IReadOnlyList<Remark> Remarks)
{
    /// <summary>Null for a registry without an htpasswd file.</summary>
    public MovedUsers? Users { get; init; }
}

/// <summary>Everything that was found, and the new configuration if there is one.</summary>
internal sealed record MoveResult(IReadOnlyList<MovedFile> Files, IReadOnlyList<Problem> Problems)
{
    /// <summary>YAML; null if nothing could be made of the files.</summary>
    public string? Configuration { get; init; }

    public bool IsFine => Problems.Count == 0 && Files.All(file => !file.Remarks.Any(remark => remark.IsFinding) && file.Users is not { Left.Count: > 0 });
}

/// <summary>Makes one Holdfast configuration of the configurations of one or more registry:2.</summary>
internal sealed class Move(MoveRequest request)
{
    private readonly Problems _problems = new();
    private readonly List<string> _names = [];

    public MoveResult Run()
    {
        var files = new List<MovedFile>();
        foreach (var source in request.Sources)
        {
            if (Read(source) is { } file)
                files.Add(file);
        }

        CheckNames(files);
        if (_problems.All.Count > 0)
            return new MoveResult(files, _problems.All);
        var merged = MovedWholes.Merge(MovedPorts.Spread(files));
        if (merged.Files.SelectMany(file => file.Remarks).Any(remark => remark.Verdict == Verdict.Wrong))
            return new MoveResult(merged.Files, []);
        return new MoveResult(merged.Files, []) { Configuration = new MovedConfiguration(request, merged.Whole).Write(merged.Files) };
    }

    private MovedFile? Read(OfRegistry<string?> source)
    {
        var before = _problems.All.Count;
        if (Registry2File.Read(source.Value, _problems) is not { } read || _problems.All.Count > before)
            return null;
        var common = Compare(read, request.Variables.Where(variable => variable.Name is null));
        var name = source.Name ?? RegistryNames.Free(RegistryNames.For(source.Value, common.Given), _names);
        if (_names.Contains(name, StringComparer.Ordinal))
        {
            _problems.Add(new Origin(source.Value ?? name, "/"), "", $"there are two registries named {name}; name them: NAME=CONFIG");
            return null;
        }

        _names.Add(name);
        // Again, now that it has a name by which variables may be meant for it.
        var (root, given, remarks) = Compare(read, request.Variables.Where(variable => variable.IsFor(name)));
        var file = source.Value ?? Registry2File.ImageDefaultName;
        var registry = Translate(name, root, given, new Origin(file, "/"));
        // Where something is wrong, nothing is made of the rest.
        if (given.Remarks.All(remark => remark.Verdict != Verdict.Wrong) && given.Untold.FirstOrDefault() is { } untold)
            throw new InvalidOperationException($"nothing was said of {untold}");
        return new MovedFile(file, registry, [.. given.Remarks, .. remarks])
        {
            Users = registry.Access.Htpasswd is { } users ? MovedUsers.Read(name, users, Target(name, users)) : null,
        };
    }

    private string Target(string name, string users) =>
        request.Output is { } output ? Path.Combine(Path.GetDirectoryName(Path.GetFullPath(output))!, MovedConfiguration.HtpasswdName(name)) : users;

    private (MapSetting Root, GivenSettings Given, List<Remark> Remarks) Compare(MapSetting read, IEnumerable<OfRegistry<Variable>> variables)
    {
        var root = (MapSetting)Registry2File.Copy(read, origin => origin);
        var remarks = new List<Remark>();
        Registry2File.Override(root, variables.Select(variable => variable.Value), request.Release, remarks);
        return (root, GivenSettings.Compare(root, request.Release), remarks);
    }

    private MovedRegistry Translate(string name, MapSetting root, GivenSettings given, Origin file)
    {
        var upstream = new UpstreamTranslation(given).Translate();
        var storage = new StorageTranslation(given, root, file, request.Release);
        return new MovedRegistry(name)
        {
            Upstream = upstream,
            Access = new AccessTranslation(given, root, file).Translate(upstream is not null, request.Htpasswd.FirstOrDefault(one => one.IsFor(name))?.Value),
            Listener = new ListenerTranslation(given, file).Translate(request.Listen.FirstOrDefault(one => one.IsFor(name))?.Value),
            Root = storage.Root(),
            Whole = new RestTranslation(given, root, file).Translate(storage.UploadAge()),
        };
    }

    // What was said for a registry that isn't there was said for another one, or mistyped.
    private void CheckNames(List<MovedFile> files)
    {
        var said = request.Htpasswd.Select(one => one.Name).Concat(request.Listen.Select(one => one.Name)).Concat(request.Variables.Select(one => one.Name));
        foreach (var name in said.OfType<string>().Distinct(StringComparer.Ordinal).Where(name => files.Count == request.Sources.Count && !_names.Contains(name, StringComparer.Ordinal)))
            _problems.Add(new Origin(name, "/"), "", $"is none of the registries here: {string.Join(", ", _names)}. Name them as you like: NAME=CONFIG");
    }
}
