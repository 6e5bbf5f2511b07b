namespace Holdfast.Client;

/// <summary>
/// The caches whose requests led to those that are sent from here on (RFC 9110, 7.6.3): each names itself and passes on the ones before it, so that caches that fill each other are found out.
/// It goes along with whatever a request sets off, and what others join has that of the first one: a parameter would go through everything between a handler and the wire.
/// </summary>
public static class ViaChain
{
    /// <summary>With what the name of every cache begins; other intermediaries are nobody's business upstream.</summary>
    public const string Prefix = "holdfast-";

    /// <summary>No chain of caches that anybody builds on purpose is so long.</summary>
    public const int MaxLength = 16;

    private const int MaxNameLength = 200;

    private static readonly AsyncLocal<IReadOnlyList<string>?> Flow = new();

    /// <summary>The nearest last.</summary>
    public static IReadOnlyList<string> Current
    {
        get => Flow.Value ?? [];
        set => Flow.Value = value;
    }

    /// <summary>The caches that <c>Via</c> fields name, in their order.</summary>
    public static IReadOnlyList<string> Read(IReadOnlyList<string?> fields) =>
        fields.Count == 0 ? [] : [.. fields.SelectMany(static field => (field ?? "").Split([',', ' ', '\t'], StringSplitOptions.RemoveEmptyEntries)).Where(IsName)];

    private static bool IsName(string text) =>
        text.StartsWith(Prefix, StringComparison.Ordinal) && text.Length <= MaxNameLength && text.All(static c => char.IsAsciiLetterOrDigit(c) || c is '-' or '.' or '_');
}
