using System.Text.RegularExpressions;
using Shouldly;
using Xunit;

namespace Tidy.Rules;

/// <summary>What is committed is the same for everyone: it names no machine, and builds wherever its packages can be had.</summary>
public partial class TextTests
{
    // Put together, so that this file does not hold what it looks for.
    private static readonly string[] Hosts =
        ["nuget" + ".org", "registry." + "npmjs", "py" + "pi.org", "crates" + ".io", "proxy.golang" + ".org", "deb.debian" + ".org"];

    [GeneratedRegex(@"(?<![\w.\-}>*])/(work|root|home|Users|mnt)/\w|[A-Z]:\\Users", RegexOptions.ExplicitCapture | RegexOptions.CultureInvariant)]
    private static partial Regex MachinePath();

    // [text](target), with an optional title; images too.
    [GeneratedRegex(@"\]\((?<target>[^)\s]+)(\s+""[^""]*"")?\)", RegexOptions.ExplicitCapture | RegexOptions.CultureInvariant)]
    private static partial Regex Link();

    [GeneratedRegex(@"[^\w\- ]", RegexOptions.CultureInvariant)]
    private static partial Regex Punctuation();

    [Fact]
    public void Texts_NameNoMachinePath() =>
        (from file in Repository.Files("", "")
         let match = MachinePath().Match(Repository.ReadIfText(file) ?? "")
         where match.Success && !file.EndsWith("Rules/TextTests.cs", StringComparison.Ordinal)
         select $"{file}: {match.Value}").ShouldBeEmpty();

    [Fact]
    public void Texts_NameNoPackageRegistry() =>
        (from file in Repository.Files("", "")
         let text = Repository.ReadIfText(file) ?? ""
         from host in Hosts
         where text.Contains(host, StringComparison.OrdinalIgnoreCase)
         select $"{file}: {host}").ShouldBeEmpty();

    [Fact]
    public void LockFiles_OfEveryProject_AreThereAndHoldNoAddress()
    {
        foreach (var project in new[] { "src", "tests", "bench" }.SelectMany(folder => Repository.Projects(folder).Select(name => $"{folder}/{name}")))
            (Repository.ReadIfText($"{project}/packages.lock.json") ?? "").ShouldNotContain("://", Case.Sensitive, project);
    }

    [Fact]
    public void Documents_LinkToWhatIsThere() =>
        (from file in Repository.Files("", ".md")
         from Match link in Link().Matches(WithoutCode(Repository.Read(file)))
         let target = link.Groups["target"].Value
         where !target.Contains(':', StringComparison.Ordinal) && !Resolves(file, target)
         select $"{file}: {target}").ShouldBeEmpty();

    private static bool Resolves(string from, string target)
    {
        var parts = target.Split('#', 2);
        var path = parts[0].Length == 0 ? from : Path.Combine(Path.GetDirectoryName(from)!, parts[0]);
        if (!Path.Exists(Path.Combine(Repository.Root, path)))
            return false;
        return parts.Length == 1 || WithoutCode(Repository.Read(path)).Split('\n').Where(line => line.StartsWith('#')).Select(Anchor).Contains(parts[1], StringComparer.Ordinal);
    }

    private static string Anchor(string heading) =>
        Punctuation().Replace(heading.TrimStart('#').Trim().ToLowerInvariant(), "").Replace(' ', '-');

    private static string WithoutCode(string text) => string.Join('\n', text.Split("```").Where((_, index) => index % 2 == 0));
}
