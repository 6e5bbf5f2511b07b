using System.Globalization;

namespace Holdfast.Drill.Servers;

/// <summary>A server's metrics page.</summary>
internal static class Metrics
{
    /// <returns>The sum of all series with this beginning.</returns>
    public static async Task<double> SumAsync(Uri server, string series, CancellationToken token)
    {
        using var http = new HttpClient(new SocketsHttpHandler { UseProxy = false });
        var page = await http.GetStringAsync(new Uri(server, "metrics"), token);
        return page.Split('\n').Where(line => line.StartsWith(series, StringComparison.Ordinal))
            .Sum(line => double.Parse(line[(line.LastIndexOf(' ') + 1)..], CultureInfo.InvariantCulture));
    }
}
