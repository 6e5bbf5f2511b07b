using System.Globalization;

namespace Holdfast.Client;

/// <summary>Reads <c>ratelimit-limit</c> and <c>ratelimit-remaining</c>, each a number, with <c>;w=seconds</c> after it at Docker Hub.</summary>
internal static class RateLimitHeaders
{
    /// <returns>Null if the answer has neither.</returns>
    public static RateLimit? Read(HttpResponseMessage response)
    {
        var (limit, window) = Read(response, "ratelimit-limit");
        var (remaining, remainingWindow) = Read(response, "ratelimit-remaining");
        return limit is null && remaining is null ? null : new RateLimit(limit, remaining, window ?? remainingWindow);
    }

    private static (long? Count, TimeSpan? Window) Read(HttpResponseMessage response, string name)
    {
        if (!response.Headers.NonValidated.TryGetValues(name, out var values))
            return default;
        var parts = values.ToString().Split([';', ','], StringSplitOptions.TrimEntries);
        if (!long.TryParse(parts[0], NumberStyles.None, CultureInfo.InvariantCulture, out var count))
            return default;
        var window = parts.FirstOrDefault(static part => part.StartsWith("w=", StringComparison.OrdinalIgnoreCase));
        return (count, int.TryParse(window.AsSpan(window is null ? 0 : 2), NumberStyles.None, CultureInfo.InvariantCulture, out var seconds) ? TimeSpan.FromSeconds(seconds) : null);
    }
}
