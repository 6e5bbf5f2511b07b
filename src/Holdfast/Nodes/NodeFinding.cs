using Holdfast.Configuration;

namespace Holdfast.Nodes;

/// <summary>Something on a node that is not as it should be.</summary>
/// <param name="Where">File, or file:line, or a folder.</param>
/// <param name="Code">Stays the same from version to version.</param>
internal sealed record NodeFinding(string Where, string Code, string Message)
{
    public override string ToString() => $"{Where}: {Message}";
}

/// <summary>All findings, in the order in which they were found.</summary>
internal sealed class NodeFindings
{
    private readonly List<NodeFinding> _all = [];

    public IReadOnlyList<NodeFinding> All => _all;

    public void Add(string where, string code, string message) => _all.Add(new NodeFinding(Clean(where), code, Clean(message)));

    public void Add(Origin origin, string code, string message) => Add(origin.Text, code, message);

    public void Add(Problems problems, string code, string consequence)
    {
        foreach (var problem in problems.All)
            Add(problem.Origin, code, $"{problem.Text}; {consequence}");
    }

    // Names and values are others'.
    private static string Clean(string text) => string.Concat(text.Select(c => char.IsControl(c) ? '�' : c));
}
