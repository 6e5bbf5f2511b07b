namespace Holdfast.Commands;

/// <summary>An address as it was written, fit for an error that ends up in a pipeline's log: a password in it, which has no business there, is left out.</summary>
internal static class ShownAddress
{
    public static string Of(string text)
    {
        var scheme = text.IndexOf("://", StringComparison.Ordinal);
        var from = scheme < 0 ? 0 : scheme + 3;
        var slash = text.IndexOf('/', from);
        var authority = slash < 0 ? text[from..] : text[from..slash];
        var at = authority.LastIndexOf('@');
        var colon = authority.IndexOf(':', StringComparison.Ordinal);
        return colon >= 0 && colon < at ? $"{text[..from]}{authority[..colon]}:…{text[(from + at)..]}" : text;
    }
}
