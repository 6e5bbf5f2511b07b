using Holdfast.Oci;
using Holdfast.Server.Http;

namespace Holdfast.Server.Caching;

/// <summary>What of a cache always stays and is kept fresh: patterns of repositories and of their tags.</summary>
internal sealed class Pins
{
    private readonly IReadOnlyList<Pin> _pins;

    /// <exception cref="ArgumentException">One is not right; the configuration has looked before.</exception>
    public Pins(IReadOnlyList<string> texts) => _pins = [.. texts.Select(Read)];

    public bool Any => _pins.Count > 0;

    /// <summary>Pins that name one tag of one repository: they are fetched though nobody has pulled them.</summary>
    public IEnumerable<(RepositoryName Repository, Tag Tag)> Named
    {
        get
        {
            foreach (var pin in _pins)
            {
                if (pin.Repository.IsLiteral && RepositoryName.TryParse(pin.Repository.ToString(), out var repository) && Tag.TryParse(pin.TagText, out var tag))
                    yield return (repository, tag);
            }
        }
    }

    public bool Hold(RepositoryName repository, IReadOnlyList<Tag> tags) =>
        _pins.Any(pin => pin.Repository.Matches(repository.ToString()) && tags.Any(tag => pin.Tag?.Matches(tag.ToString()) != false));

    private static Pin Read(string text)
    {
        var colon = text.IndexOf(':', StringComparison.Ordinal);
        if (!RepositoryPattern.TryParse(colon < 0 ? text : text[..colon], out var repository, out var problem))
            throw new ArgumentException(problem, nameof(text));
        TagPattern? tag = null;
        if (colon >= 0 && !TagPattern.TryParse(text[(colon + 1)..], out tag, out problem))
            throw new ArgumentException(problem, nameof(text));
        return new Pin(repository, tag, colon < 0 ? "" : text[(colon + 1)..]);
    }

    /// <param name="Tag">Null: every tag.</param>
    private sealed record Pin(RepositoryPattern Repository, TagPattern? Tag, string TagText);
}
