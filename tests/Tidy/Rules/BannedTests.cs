using System.Text.RegularExpressions;
using Shouldly;
using Tidy.Metadata;
using Xunit;

namespace Tidy.Rules;

/// <summary>The compiler enforces BannedSymbols.txt; these see to it that nobody looks away, and what an analyzer can't know.</summary>
public partial class BannedTests
{
    private static readonly string[] BannedTexts = ["RS0030", "NotImplementedException", "TODO", "FIXME", "HACK"];

    // T:, P: or M:, the member's full name, its parameters.
    [GeneratedRegex(@"\A[PM]:(?<name>[^(;]+)", RegexOptions.ExplicitCapture | RegexOptions.CultureInvariant)]
    private static partial Regex Banned();

    [GeneratedRegex("""""Regex(\s+\w+\s*=\s*new)?\(\s*[@$"]*"(?<pattern>([^"\\]|\\.)*)["]""""", RegexOptions.ExplicitCapture | RegexOptions.CultureInvariant)]
    private static partial Regex RegexLiteral();

    [Fact]
    public void Source_HasNoBannedTexts() =>
        (from file in Repository.Files("src", "")
         let text = Repository.ReadIfText(file) ?? ""
         from banned in BannedTexts
         where text.Contains(banned, StringComparison.Ordinal)
         select $"{file}: {banned}").ShouldBeEmpty();

    [Fact]
    public void Source_SaysWhyAWarningIsOff() =>
        (from file in Repository.Files("src", ".cs")
         from line in Repository.ReadLines(file)
         where line.Contains("#pragma warning disable", StringComparison.Ordinal) && !line.Contains("//", StringComparison.Ordinal)
         select $"{file}: {line.Trim()}").ShouldBeEmpty();

    [Fact]
    public void Assemblies_DoNotUseBannedSymbols()
    {
        var banned = Repository.ReadLines("BannedSymbols.txt").Select(line => Banned().Match(line)).Where(match => match.Success)
            .Select(match => WithoutArity(match.Groups["name"].Value)).ToHashSet(StringComparer.Ordinal);

        banned.Count.ShouldBeGreaterThan(5);
        Assembly.Source.SelectMany(assembly => assembly.UsedMembers()
            .Select(member => member.Replace(".get_", ".", StringComparison.Ordinal)).Where(banned.Contains)
            .Select(member => $"{assembly.Name}: {member}")).ShouldBeEmpty();
    }

    [Fact]
    public void RegularExpressions_EndAtTheEnd_NotBeforeANewline() =>
        (from file in Repository.Files("src", ".cs")
         from Match literal in RegexLiteral().Matches(Repository.Read(file))
         let pattern = literal.Groups["pattern"].Value
         where pattern.Replace(@"\$", "", StringComparison.Ordinal).Contains('$') || (pattern is ['^', ..] or ['\\', 'A', ..] && !pattern.EndsWith(@"\z", StringComparison.Ordinal))
         select $"{file}: {pattern}").ShouldBeEmpty();

    [Theory]
    [InlineData("""new Regex("^a$")""", "^a$")]
    [InlineData("""static readonly Regex Name = new("^a$", RegexOptions.None)""", "^a$")]
    [InlineData("""[GeneratedRegex(@"\Aa\z", RegexOptions.None)]""", @"\Aa\z")]
    public void RegexLiteral_InCode_IsFound(string code, string expected) => RegexLiteral().Match(code).Groups["pattern"].Value.ShouldBe(expected);

    private static string WithoutArity(string name) => ArityPattern().Replace(name, "");

    [GeneratedRegex(@"`+\d+", RegexOptions.CultureInvariant)]
    private static partial Regex ArityPattern();
}
