using Microsoft.AspNetCore.Http;

namespace Holdfast.Server.Http;

/// <summary>Reads the query parameters that several places share.</summary>
internal static class Query
{
    /// <summary>Entries; what a page holds at most, and what it holds when no <c>n</c> is given (P10).</summary>
    public const int MaxPage = 10_000;

    /// <summary>Reads <c>n</c> (dist-spec v1.1.1, end-8b): absent is <see cref="MaxPage"/>, larger is cut to it.</summary>
    /// <returns>False if it is not a whole number of at least 0.</returns>
    public static bool TryReadPage(HttpRequest request, out int n)
    {
        n = MaxPage;
        if (!request.Query.TryGetValue("n", out var values))
            return true;
        if (values.Count != 1 || values[0] is not { Length: > 0 and <= 18 } text || text.AsSpan().ContainsAnyExceptInRange('0', '9'))
            return false;
        n = (int)Math.Min(long.Parse(text, System.Globalization.CultureInfo.InvariantCulture), MaxPage);
        return true;
    }

    /// <returns>The one value of a parameter; null if it is absent or empty.</returns>
    public static string? One(HttpRequest request, string name) =>
        request.Query.TryGetValue(name, out var values) && values is [{ Length: > 0 } value] ? value : null;
}
