using System.Globalization;
using System.Text;
using System.Xml;
using Holdfast.Client.Walk;

namespace Holdfast.Commands;

/// <summary>The report that CI systems show: a suite for each repository, a test for each tag. What could not be checked is an error, what is wrong a failure.</summary>
internal static class VerifyJunit
{
    /// <summary>Written beside the file and renamed, so that nobody reads half of it.</summary>
    /// <exception cref="IOException">It can't be written.</exception>
    public static void Write(string file, VerifyOutcome outcome)
    {
        var beside = file + ".new";
        using (var writer = XmlWriter.Create(beside, new XmlWriterSettings { Indent = true, Encoding = new UTF8Encoding(false), CheckCharacters = true }))
            Write(writer, outcome);
        File.Move(beside, file, overwrite: true);
    }

    private static void Write(XmlWriter writer, VerifyOutcome outcome)
    {
        var faults = outcome.Targets.Where(static target => target.Fault is not null).ToList();
        var roots = outcome.Roots.ToList();
        writer.WriteStartElement("testsuites");
        writer.WriteAttributeString("name", "holdfast verify");
        Count(writer, roots.Count + faults.Count, roots.Count(static one => IsFailure(one.Root)), roots.Count(static one => IsError(one.Root)) + faults.Count, outcome.Elapsed);
        foreach (var verified in outcome.Repositories)
        {
            var suite = $"{verified.Host}/{verified.Report.Repository}";
            var reports = verified.Report.Roots;
            writer.WriteStartElement("testsuite");
            writer.WriteAttributeString("name", suite);
            Count(writer, reports.Count, reports.Count(IsFailure), reports.Count(IsError), reports.Aggregate(TimeSpan.Zero, static (sum, root) => sum + root.Elapsed));
            foreach (var root in reports)
                Write(writer, suite, root);
            writer.WriteEndElement();
        }
        foreach (var target in faults)
        {
            writer.WriteStartElement("testsuite");
            writer.WriteAttributeString("name", target.Target.Text);
            Count(writer, 1, 0, 1, TimeSpan.Zero);
            Start(writer, target.Target.Text, "is reachable", TimeSpan.Zero);
            Element(writer, "error", "unchecked", target.Fault!, target.Fault!);
            writer.WriteEndElement();
            writer.WriteEndElement();
        }
        writer.WriteEndElement();
    }

    private static void Write(XmlWriter writer, string suite, RootReport root)
    {
        Start(writer, suite, root.Name, root.Elapsed);
        if (root.Findings.Count > 0)
        {
            var worst = root.Findings.FirstOrDefault(static finding => finding.Problem.Kind != FindingKind.Unchecked) ?? root.Findings[0];
            var lines = string.Join('\n', root.Findings.Select(VerifyText.Sentence));
            Element(writer, IsFailure(root) ? "failure" : "error", VerifyText.Word(worst.Problem.Kind), VerifyText.Sentence(worst), root.LeftOut > 0 ? $"{lines}\nand {root.LeftOut} more" : lines);
        }
        writer.WriteEndElement();
    }

    private static void Start(XmlWriter writer, string suite, string name, TimeSpan elapsed)
    {
        writer.WriteStartElement("testcase");
        writer.WriteAttributeString("classname", suite);
        writer.WriteAttributeString("name", name);
        writer.WriteAttributeString("time", Seconds(elapsed));
    }

    private static void Element(XmlWriter writer, string element, string type, string message, string text)
    {
        writer.WriteStartElement(element);
        writer.WriteAttributeString("type", type);
        writer.WriteAttributeString("message", Printable(message));
        writer.WriteString(Printable(text));
        writer.WriteEndElement();
    }

    private static void Count(XmlWriter writer, int tests, int failures, int errors, TimeSpan elapsed)
    {
        writer.WriteAttributeString("tests", tests.ToString(CultureInfo.InvariantCulture));
        writer.WriteAttributeString("failures", failures.ToString(CultureInfo.InvariantCulture));
        writer.WriteAttributeString("errors", errors.ToString(CultureInfo.InvariantCulture));
        writer.WriteAttributeString("time", Seconds(elapsed));
    }

    private static bool IsFailure(RootReport root) => root.Findings.Any(static finding => finding.Problem.Kind != FindingKind.Unchecked);

    private static bool IsError(RootReport root) => !root.IsWhole && !IsFailure(root);

    private static string Seconds(TimeSpan elapsed) => elapsed.TotalSeconds.ToString("0.000", CultureInfo.InvariantCulture);

    // What XML can't hold would end the report half-way.
    private static string Printable(string text) => string.Concat(text.Select(static c => XmlConvert.IsXmlChar(c) ? c : '?'));
}
