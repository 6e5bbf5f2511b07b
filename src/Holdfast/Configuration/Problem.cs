namespace Holdfast.Configuration;

/// <summary>One thing that is wrong with the configuration, as one line (P9).</summary>
/// <param name="Origin">Where it was given: "holdfast.yaml:12", "environment HOLDFAST_DATA", "--listen".</param>
/// <param name="Key">The dotted key, or empty if it concerns the whole source.</param>
/// <param name="Text">What is wrong, and what to write instead.</param>
/// <param name="Weight">Does it stop the start?</param>
internal sealed record Problem(Origin Origin, string Key, string Text, ProblemWeight Weight)
{
    public override string ToString() => OneLine(Key.Length == 0 ? $"{Origin.Text}: {Text}" : $"{Origin.Text}: {Key}: {Text}");

    // A key is written by the user too, and YAML lets it hold anything.
    private static string OneLine(string text) => string.Concat(text.Select(c => char.IsControl(c) ? '�' : c));
}

internal enum ProblemWeight
{
    /// <summary>Nothing starts with this.</summary>
    Error,

    /// <summary>Found by <c>config check</c>; a server starts and says it, for example a rule for a user who was removed since.</summary>
    Finding,
}

/// <summary>All problems of one configuration, in the order in which they were found.</summary>
internal sealed class Problems
{
    private readonly List<Problem> problems = [];

    public IReadOnlyList<Problem> All => problems;

    public void Add(Origin origin, string key, string text) => problems.Add(new Problem(origin, key, text, ProblemWeight.Error));

    public void AddFinding(Origin origin, string key, string text) =>
        problems.Add(new Problem(origin, key, text, ProblemWeight.Finding));

    /// <summary>Given text as it is quoted in a problem: short, and on one line.</summary>
    public static string Quote(string text)
    {
        var cut = text.Length > 60 ? text[..60] + "…" : text;
        return "'" + string.Concat(cut.Select(c => char.IsControl(c) ? '�' : c)) + "'";
    }
}
