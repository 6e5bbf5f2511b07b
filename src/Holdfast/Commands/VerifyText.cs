using System.Globalization;
using System.Text;
using Holdfast.Client.Walk;
using Holdfast.Oci;

namespace Holdfast.Commands;

/// <summary>What verify found, in words.</summary>
internal static class VerifyText
{
    private const int MaxNotes = 20;
    private const int ShortDigest = 19; // sha256: and 12 digits

    /// <summary>The broken tags of one repository, each with the way to what is wrong.</summary>
    public static string Tree(VerifiedRepository verified)
    {
        var text = new StringBuilder();
        Line(text, $"{verified.Host}/{verified.Report.Repository}");
        var broken = verified.Report.Roots.Where(static root => !root.IsWhole).ToList();
        foreach (var root in broken)
        {
            var isLast = ReferenceEquals(root, broken[^1]);
            Write(text, root.Findings, 0, "", isLast && root.LeftOut == 0);
            if (root.LeftOut > 0)
                Line(text, $"{(isLast ? "└─ " : "├─ ")}{root.Name}: {Counted.Of(root.LeftOut, "more finding")}");
        }
        return text.ToString();
    }

    /// <summary>One finding in one line, without the tree.</summary>
    public static string Sentence(Finding finding) =>
        $"{string.Join(" > ", finding.Path.Select(static step => Label(step, isObject: false)))}: {Word(finding.Problem.Kind)}: {finding.Problem.Answer}{Expected(finding.Object)}";

    public static string Word(FindingKind kind) => kind switch
    {
        FindingKind.Missing => "missing",
        FindingKind.WrongBytes => "wrong bytes",
        FindingKind.WrongSize => "wrong size",
        FindingKind.Unreadable => "unreadable",
        FindingKind.Unusable => "unusable",
        FindingKind.Unchecked => "not checked",
        _ => throw new ArgumentOutOfRangeException(nameof(kind)),
    };

    /// <summary>The end of it: how much was looked at, what came of it, what to do.</summary>
    public static string Summary(VerifyOutcome outcome)
    {
        var text = new StringBuilder();
        var figures = outcome.Figures;
        var broken = outcome.Broken.ToList();
        foreach (var kind in broken.SelectMany(static one => one.Root.Findings).GroupBy(static finding => finding.Problem.Kind).OrderBy(static group => group.Key))
            Line(text, $"{Word(kind.Key)}: {Advice(kind.Key, kind.Any(static finding => finding.Problem is { Status: 200, ReceivedBytes: not null }))}");
        var notes = outcome.Roots.SelectMany(static one => one.Root.Notes.Select(note => $"note: {one.Host}/{one.Root.Repository}:{one.Root.Name}: {note}")).ToList();
        foreach (var note in notes.Take(MaxNotes))
            text.AppendLine(note);
        if (notes.Count > MaxNotes)
            Line(text, $"and {Counted.Of(notes.Count - MaxNotes, "more note")}, which --json has");
        if (!outcome.HasChecked)
        {
            text.AppendLine("nothing was verified");
            return text.ToString();
        }
        var checkedObjects = $"{Counted.Of(figures.Roots, "root")}, {Counted.Of(figures.Indexes, "index", "indexes")}, {Counted.Of(figures.Manifests, "manifest")}, {Counted.Of(figures.Blobs, "blob")}";
        Line(text, $"verified {checkedObjects} in {outcome.Elapsed.TotalSeconds:0.0} s; read {ProgressDisplay.Bytes(figures.BytesRead)}");
        var findings = outcome.Broken.Sum(static one => one.Root.Findings.Count + one.Root.LeftOut);
        Line(text, findings == 0 ? $"all of it is there{(outcome.Fast ? "" : " and right")}" : (FormattableString)$"{Counted.Of(findings, "finding")} in {broken.Count} of {Counted.Of(figures.Roots, "root")}");
        if (outcome.Fast)
            text.AppendLine("by HEAD and size only (--fast): a registry can answer so for bytes that are damaged or that it no longer has; without --fast they are read");
        return text.ToString();
    }

    private static void Write(StringBuilder text, IReadOnlyList<Finding> findings, int depth, string indent, bool isLast)
    {
        var step = findings[0].Path[depth];
        var here = findings.Where(finding => finding.Path.Count == depth + 1).ToList();
        Line(text, $"{indent}{(isLast ? "└─ " : "├─ ")}{Label(step, here.Count > 0)}");
        var inner = indent + (isLast ? "   " : "│  ");
        foreach (var finding in here)
        {
            Line(text, $"{inner}   {Word(finding.Problem.Kind)}: {finding.Problem.Answer}");
            if (Expected(step) is { Length: > 0 } expected)
                Line(text, $"{inner}   {expected.TrimStart(';', ' ')}");
        }
        var below = findings.Where(finding => finding.Path.Count > depth + 1).GroupBy(finding => finding.Path[depth + 1]).ToList();
        for (var i = 0; i < below.Count; i++)
            Write(text, [.. below[i]], depth + 1, inner, i == below.Count - 1);
    }

    private static string Label(WalkStep step, bool isObject)
    {
        var name = step.Role switch
        {
            StepRole.Root => step.Name,
            StepRole.Child => step.Name.Length > 0 ? step.Name : "child",
            StepRole.Config => "config",
            StepRole.Layer => $"layer {step.Name}",
            StepRole.Subject => "subject",
            StepRole.Referrer => step.Name.Length > 0 ? $"referrer ({step.Name})" : "referrer",
            _ => throw new ArgumentOutOfRangeException(nameof(step)),
        };
        var digest = step.Digest.ToString();
        // The object's own is whole, to be copied.
        return digest.Length == 0 || string.Equals(digest, step.Name, StringComparison.Ordinal) ? name : $"{name}  {(isObject ? digest : digest[..ShortDigest])}";
    }

    private static string Expected(WalkStep step)
    {
        if (step.SizeBytes is not { } size)
            return "";
        return string.Create(CultureInfo.InvariantCulture, $"; expected are {size:N0} bytes{(step.MediaType.Length > 0 ? $" of {step.MediaType}" : "")}");
    }

    private static string Advice(FindingKind kind, bool cameShort) => kind switch
    {
        FindingKind.Missing => "push the image again; a registry:2 whose collector has removed them can be looked at with `holdfast scan` and mended with `holdfast repair`",
        FindingKind.WrongBytes or FindingKind.WrongSize => "the registry's disk has damaged bytes, and a push of the same image may not replace them: with a registry:2 see `holdfast scan` and `holdfast repair`, with a Holdfast `holdfast incidents`",
        FindingKind.Unreadable => cameShort
            ? "the registry says that it has them and does not send them: so does a registry:2 whose collector has removed them; restart it, then push the image again"
            : "the registry answers with something else than the object; look for a proxy or a sign-in page between",
        FindingKind.Unusable => "no client can use them; push the image again",
        FindingKind.Unchecked => "nobody knows whether they are right; try again once the registry answers, as a user who may read them (--user)",
        _ => throw new ArgumentOutOfRangeException(nameof(kind)),
    };

    private static void Line(StringBuilder text, FormattableString line) => text.AppendLine(line.ToString(CultureInfo.InvariantCulture));
}
