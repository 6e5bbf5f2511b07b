using Holdfast.Client.Walk;

namespace Holdfast.Commands;

/// <summary>The JSON of verify; docs/verify.md describes it, and it only ever grows.</summary>
internal static class VerifyJson
{
    // More are counted, and the tree has said them; an object of gigabytes helps nobody.
    private const int MaxFindings = 100_000;

    public static object Of(VerifyOutcome outcome)
    {
        var findings = outcome.Broken.SelectMany(static one => one.Root.Findings.Select(finding => Of(one.Host, one.Root, finding))).Take(MaxFindings).ToList();
        var all = outcome.Broken.Sum(static one => one.Root.Findings.Count + one.Root.LeftOut);
        return new
        {
            Whole = outcome.ExitCode == RootCommands.Fine,
            outcome.ExitCode,
            Mode = outcome.Fast ? "head" : "read",
            Targets = outcome.Targets.Select(static one => new { Target = one.Target.Text, Registry = one.Address?.GetLeftPart(UriPartial.Authority), Error = one.Fault }).ToList(),
            Checked = new
            {
                Repositories = outcome.Repositories.Count,
                outcome.Figures.Roots,
                outcome.Figures.Indexes,
                outcome.Figures.Manifests,
                outcome.Figures.Blobs,
                outcome.Figures.BytesRead,
                Seconds = Math.Round(outcome.Elapsed.TotalSeconds, 3),
            },
            Findings = findings,
            FindingsLeftOut = all - findings.Count,
            Notes = outcome.Roots.SelectMany(static one => one.Root.Notes.Select(note => new { Registry = one.Host, Repository = one.Root.Repository.ToString(), Reference = one.Root.Name, Note = note })).ToList(),
        };
    }

    public static object Of(string host, RootReport root, Finding finding) => new
    {
        finding.Problem.Kind,
        Registry = host,
        Repository = root.Repository.ToString(),
        Reference = root.Name,
        RootDigest = Text(root.Digest),
        finding.Platform,
        finding.Object.Role,
        Digest = Text(finding.Object.Digest),
        MediaType = finding.Object.MediaType.Length > 0 ? finding.Object.MediaType : null,
        finding.Object.SizeBytes,
        finding.Problem.Answer,
        finding.Problem.Status,
        Code = finding.Problem.Code.Length > 0 ? finding.Problem.Code : null,
        finding.Problem.ReceivedBytes,
        FoundDigest = Text(finding.Problem.Found),
        Path = finding.Path.Select(static step => new { step.Role, Name = step.Name.Length > 0 ? step.Name : null, Digest = Text(step.Digest) }).ToList(),
    };

    private static string? Text(Oci.Digest digest) => digest.IsNone ? null : digest.ToString();
}
