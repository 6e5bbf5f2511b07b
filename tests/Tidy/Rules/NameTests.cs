using System.Text.RegularExpressions;
using Shouldly;
using Tidy.Metadata;
using Xunit;

namespace Tidy.Rules;

public partial class NameTests
{
    // A seam whose second implementation is decided and not yet here, or a contract of another kind; each with its reason.
    private static readonly Dictionary<string, string> LoneInterfaces = new(StringComparer.Ordinal)
    {
        ["IBlobStore"] = "the seam between the file system and object storage",
    };

    [GeneratedRegex(@"(Service|Manager|Helper|Util|Utilitie|Utility)s?\z", RegexOptions.ExplicitCapture | RegexOptions.CultureInvariant)]
    private static partial Regex Vague();

    [GeneratedRegex(@"(\A|\.)(Core|Common|Abstractions|Utils|Shared|Helpers)(\.|\z)", RegexOptions.ExplicitCapture | RegexOptions.CultureInvariant)]
    private static partial Regex VagueProject();

    [Fact]
    public void Types_HaveNamesThatSayWhatTheyAre() =>
        Assembly.Source.SelectMany(assembly => assembly.Types.Select(assembly.NameOf)).Where(type => Vague().IsMatch(type.Name)).ShouldBeEmpty();

    [Fact]
    public void Projects_HaveNamesThatSayWhatTheyAre() =>
        new[] { "src", "tests", "bench" }.SelectMany(Repository.Projects).Where(project => VagueProject().IsMatch(project)).ShouldBeEmpty();

    [Fact]
    public void Interfaces_HaveTwoImplementationsOrAReason()
    {
        var implemented = Assembly.Source.SelectMany(assembly => assembly.Types.Where(type => !assembly.IsInterface(type))
            .SelectMany(assembly.InterfacesOf)).CountBy(type => type).ToDictionary();

        Assembly.Source.SelectMany(assembly => assembly.Types.Where(assembly.IsInterface).Select(assembly.NameOf))
            .Where(type => implemented.GetValueOrDefault(type) < 2 && !LoneInterfaces.ContainsKey(type.Name))
            .ShouldBeEmpty();
    }
}
