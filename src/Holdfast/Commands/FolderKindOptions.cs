using System.CommandLine;
using Holdfast.Doctor.Registry2;

namespace Holdfast.Commands;

/// <summary><c>--cache</c> and <c>--hosted</c>: for registries' folders that don't tell by themselves what they are.</summary>
internal sealed class FolderKindOptions
{
    private readonly Option<string[]> _cache = new("--cache")
    {
        Description = "This one is a pull-through cache: a registry's path below DIR, or . for DIR itself. May be given more than once.",
        HelpName = "name",
    };

    private readonly Option<string[]> _hosted = new("--hosted")
    {
        Description = "This one is not a cache any more, though it has a scheduler-state.json. As --cache.",
        HelpName = "name",
    };

    /// <summary>DIR, of scan and repair. An option that isn't known is no folder; one of such a name can be written ./--name.</summary>
    public static Argument<string> CreateFolder() => new("dir")
    {
        Description = "The registry's rootdirectory, its docker/registry/v2, or a folder with several below it.",
        Validators =
        {
            static result =>
            {
                if (result.Tokens is [var token, ..] && token.Value.StartsWith('-'))
                    result.AddError($"no option {token.Value}");
            },
        },
    };

    public void AddTo(Command command)
    {
        command.Add(_cache);
        command.Add(_hosted);
    }

    /// <exception cref="InvalidDataException">A name is none of these folders'.</exception>
    public IReadOnlyList<RegistryFolder> Apply(ParseResult parsed, IReadOnlyList<RegistryFolder> folders)
    {
        var (caches, hosted) = (Names(parsed.GetValue(_cache)), Names(parsed.GetValue(_hosted)));
        foreach (var name in caches.Concat(hosted))
        {
            if (!folders.Any(folder => folder.Name == name))
                throw new InvalidDataException($"there is no registry '{name}' here; there are: {string.Join(", ", folders.Select(static folder => folder.Name))}");
        }
        if (caches.Intersect(hosted, StringComparer.Ordinal).FirstOrDefault() is { } both)
            throw new InvalidDataException($"'{both}' can't be both a cache and hosted");
        return [.. folders.Select(folder => caches.Contains(folder.Name, StringComparer.Ordinal) ? folder.As(isCache: true) : hosted.Contains(folder.Name, StringComparer.Ordinal) ? folder.As(isCache: false) : folder)];
    }

    private static List<string> Names(string[]? given) =>
        [.. (given ?? []).Select(static name => name is "." ? name : name.Trim('/') is var bare && bare.StartsWith("./", StringComparison.Ordinal) ? bare[2..] : bare)];
}
