namespace Holdfast.Configuration;

/// <summary>Finds what a mistyped name was meant to be.</summary>
internal static class NearestName
{
    /// <returns>The candidate that is one slip or two away from the name, or null if none is near.</returns>
    public static string? Find(string name, IEnumerable<string> candidates)
    {
        var folded = Fold(name);
        return candidates
            .Select(c => (Candidate: c, Distance: Distance(folded, Fold(c))))
            .Where(c => c.Distance <= Math.Min(2, Math.Max(folded.Length, c.Candidate.Length) / 3))
            .OrderBy(c => c.Distance)
            .Select(c => c.Candidate)
            .FirstOrDefault();
    }

    /// <summary>A name without case and separators, as people mix those up.</summary>
    public static string Fold(string name) =>
        string.Concat(name.Where(c => c is not ('-' or '_' or '.' or ' '))).ToLowerInvariant();

    // Optimal string alignment: insertions, deletions, changes and swaps of neighbours count one each. Names are short; longer ones are cut.
    private static int Distance(string a, string b)
    {
        if (a.Length > 64 || b.Length > 64)
            return int.MaxValue;
        var d = new int[a.Length + 1, b.Length + 1];
        for (var i = 0; i <= a.Length; i++)
            d[i, 0] = i;
        for (var j = 0; j <= b.Length; j++)
            d[0, j] = j;
        for (var i = 1; i <= a.Length; i++)
        {
            for (var j = 1; j <= b.Length; j++)
            {
                var change = a[i - 1] == b[j - 1] ? 0 : 1;
                d[i, j] = Math.Min(Math.Min(d[i - 1, j] + 1, d[i, j - 1] + 1), d[i - 1, j - 1] + change);
                if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                    d[i, j] = Math.Min(d[i, j], d[i - 2, j - 2] + 1);
            }
        }

        return d[a.Length, b.Length];
    }
}
