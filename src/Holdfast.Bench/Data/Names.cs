using System.Globalization;

namespace Holdfast.Bench.Data;

/// <summary>What a run calls what it makes: all of it lies below one name, which its seed gives.</summary>
internal sealed class Names(ulong seed)
{
    /// <summary>As tags and repositories of lists begin, before their number.</summary>
    public const string EntryPrefix = "e";

    public string Root { get; } = string.Create(CultureInfo.InvariantCulture, $"bench/{seed:x}");

    public string TagsRepository => $"{Root}/tags";

    public string ReferrersRepository => $"{Root}/referrers";

    public string CatalogPrefix => $"{Root}/{EntryPrefix}";

    public string Repository(int number) => string.Create(CultureInfo.InvariantCulture, $"{Root}/r{number:D5}");

    /// <summary>They sort as they count, and are of one width, so that every full page has one length.</summary>
    public static string Entry(string prefix, int number) => string.Create(CultureInfo.InvariantCulture, $"{prefix}{number:D7}");
}
