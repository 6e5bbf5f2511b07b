using System.Globalization;
using System.Net;
using Holdfast.Server.Http;

namespace Holdfast.Configuration;

/// <summary>Says of a value's text what is wrong with it, or null.</summary>
internal static class ValueFaults
{
    public static string? Text(string text) =>
        text.Length == 0 ? "is empty" : text.Any(char.IsControl) ? "has a control character in it" : null;

    public static string? Path(string text) => Text(text);

    public static string? Boolean(string text) => text switch
    {
        "true" or "false" => null,
        _ => $"{Problems.Quote(text)} is not true or false",
    };

    public static string? RegistryName(string text) =>
        text.Length is >= 1 and <= 64 && text.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c == '-')
            ? null
            : $"{Problems.Quote(text)} is not a registry name; use 1 to 64 of a-z, 0-9 and -";

    /// <summary>Repository patterns: the parts of a repository name, in which * is any text; a part ** is any number of parts.</summary>
    public static string? Pattern(string text)
    {
        if (text.Length is 0 or > 255)
            return $"{Problems.Quote(text)} is not a pattern; write 1 to 255 characters";
        foreach (var part in text.Split('/'))
        {
            if (part.Length == 0)
                return $"{Problems.Quote(text)} has an empty part; remove the extra /";
            if (part.Contains("**", StringComparison.Ordinal) && part != "**")
                return $"{Problems.Quote(text)} has ** beside other text; ** is a whole part, as in team/**";
            if (part.Any(char.IsAsciiLetterUpper))
                return $"{Problems.Quote(text)} can't match: repository names have no capital letters";
            if (!part.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c is '.' or '_' or '-' or '*'))
                return $"{Problems.Quote(text)} is not a pattern; use a-z, 0-9, . _ - / and *";
        }

        return null;
    }

    public static string? Network(string text)
    {
        if (IPAddress.TryParse(text, out _) || IPNetwork.TryParse(text, out _))
            return null;
        return text.Contains('/', StringComparison.Ordinal) && IPAddress.TryParse(text[..text.IndexOf('/', StringComparison.Ordinal)], out _)
            ? $"{Problems.Quote(text)} is not a network; the address must end in zeros after the prefix, as in 10.1.0.0/16"
            : $"{Problems.Quote(text)} is not an IP address or a network such as 10.0.0.0/8";
    }

    public static string? ListenerUrl(string text) => ListenerAddress.Parse(text, out _);

    public static string? RealmUrl(string text) => PlainUrl(text, "https://registry.example/token");

    /// <param name="example">One as it may be.</param>
    public static string? PlainUrl(string text, string example) =>
        Uri.TryCreate(text, UriKind.Absolute, out var uri) && uri is { Scheme: "http" or "https", UserInfo: "", Query: "", Fragment: "", Host.Length: > 0 }
            ? null
            : $"{Problems.Quote(text)} is not an http or https URL without user, query and fragment, such as {example}";

    public static Value OneOf(params string[] words) => new(
        string.Join(" or ", words),
        text => words.Contains(text, StringComparer.Ordinal)
            ? null
            : NearestName.Find(text, words) is { } near
                ? $"{Problems.Quote(text)} is not known; did you mean {near}?"
                : $"{Problems.Quote(text)} is not known; write {string.Join(" or ", words)}");

    public static Value NumberBetween(int least, int most) => new(
        "number",
        text => int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) && number >= least && number <= most
            ? null
            : $"{Problems.Quote(text)} is not a whole number from {least} to {most}");

    /// <param name="reason">Why it can't be shorter, if that isn't plain.</param>
    public static Value DurationBetween(TimeSpan least, TimeSpan most, string? reason = null) => new(
        "duration",
        text => Quantity.ParseDuration(text, out var value) ?? (value < least
            ? $"{Problems.Quote(text)} is too short; at least {Quantity.Format(least)}{(reason is null ? "" : ": " + reason)}"
            : value > most ? $"{Problems.Quote(text)} is too long; at most {Quantity.Format(most)}" : null));

    public static Value SizeBetween(long least, long most) => new(
        "size",
        text => Quantity.ParseSize(text, out var value) ?? (value < least
            ? $"{Problems.Quote(text)} is too small; at least {Quantity.Format(least)}"
            : value > most ? $"{Problems.Quote(text)} is too large; at most {Quantity.Format(most)}" : null));

    public static Value RateBetween(long least, long most) => new(
        "rate",
        text => Quantity.ParseRate(text, out var value) ?? (value < least
            ? $"{Problems.Quote(text)} is too slow; at least {Quantity.Format(least)}/s"
            : value > most ? $"{Problems.Quote(text)} is too fast; at most {Quantity.Format(most)}/s" : null));

    public static Value Percent { get; } = new("percentage", text => Quantity.ParsePercent(text, out _));

    public static string? RegistryNameOrAll(string text) => text == "*" ? null : RegistryName(text);

    public static string? TagPattern(string text) =>
        Server.Http.TagPattern.TryParse(text, out _, out var problem) ? null : $"{Problems.Quote(text)} fits no tag: {problem}";

    public static string? Schedule(string text) =>
        Server.Retention.Schedule.TryParse(text, out _, out var problem) ? null : $"{Problems.Quote(text)} {problem}";

    public static string? PathOrUrl(string text) =>
        text.Contains("://", StringComparison.Ordinal) ? PlainUrlWithQuery(text) : Path(text);

    // A list may be what some program answers to a question.
    private static string? PlainUrlWithQuery(string text) =>
        Uri.TryCreate(text, UriKind.Absolute, out var uri) && uri is { Scheme: "http" or "https", UserInfo: "", Fragment: "", Host.Length: > 0 }
            ? null
            : $"{Problems.Quote(text)} is not a path, nor an http or https URL without user and fragment";
}
