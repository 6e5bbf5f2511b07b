using System.Text.Json;
using System.Text.RegularExpressions;
using Shouldly;
using Xunit;

namespace Tidy.Rules;

/// <summary>The administration's interface is told in three places: the code, its description for programs, its description for people.</summary>
public partial class InterfaceTests
{
    private static readonly string[] Mapped =
        [.. MapLine().Matches(Repository.Read("src/Holdfast.Server/AdminRoutes.cs")).Select(match => $"{match.Groups["method"].Value} {match.Groups["path"].Value}")];

    [Fact]
    public void OpenApi_Places_AreThoseThatAreMapped()
    {
        using var document = JsonDocument.Parse(Repository.Read("docs/openapi.json"));
        var described = document.RootElement.GetProperty("paths").EnumerateObject()
            .SelectMany(path => path.Value.EnumerateObject().Select(method => $"{method.Name.ToUpperInvariant()} {path.Name}"));
        Mapped.Length.ShouldBeGreaterThan(10);
        described.ShouldBe(Mapped, ignoreOrder: true);
    }

    [Fact]
    public void ApiPage_Places_AreThoseThatAreMapped() =>
        Heading().Matches(Repository.Read("docs/api.md")).Select(match => match.Groups["place"].Value).ShouldBe(Mapped, ignoreOrder: true);

    [GeneratedRegex("""\.Map\("(?<method>[A-Z]+)", "(?<path>[^"]+)",""", RegexOptions.ExplicitCapture)]
    private static partial Regex MapLine();

    [GeneratedRegex(@"^### (?<place>[A-Z]+ /api/\S+)\r?$", RegexOptions.Multiline | RegexOptions.ExplicitCapture)]
    private static partial Regex Heading();
}
