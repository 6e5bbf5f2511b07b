using Shouldly;
using Tidy.Metadata;
using Xunit;

namespace Tidy.Rules;

/// <summary>
/// The folders of Holdfast.Server: each capability uses Http and itself; Http uses none of them; the root puts them together.
/// Option records are plain values that the root's ServerOptions is made of, so everyone may name them.
/// </summary>
public class CapabilityTests
{
    private const string Root = "Holdfast.Server";
    private const string Http = "Http";

    private static IEnumerable<Edge> Edges => Assembly.Source.Single(assembly => assembly.Name == Root).Edges
        .Where(edge => edge.To.Assembly == Root && IsOurs(edge.From) && IsOurs(edge.To));

    [Fact]
    public void Capabilities_UseHttpAndThemselves_NotEachOtherNorTheRoot() =>
        Edges.Where(edge => FolderOf(edge.From) is not ("" or Http))
            .Where(edge => FolderOf(edge.To) != FolderOf(edge.From) && FolderOf(edge.To) != Http && !IsOptions(edge.To))
            .ShouldBeEmpty();

    [Fact]
    public void Http_UsesItselfOnly() =>
        Edges.Where(edge => FolderOf(edge.From) == Http && FolderOf(edge.To) != Http && !IsOptions(edge.To)).ShouldBeEmpty();

    [Fact]
    public void Namespaces_OfTheServer_AreItsFolders() =>
        Repository.Files("src/Holdfast.Server", ".cs").Where(file => !Repository.Read(file).Contains(
            $"namespace {Path.GetDirectoryName(file)!["src/".Length..].Replace('/', '.')};", StringComparison.Ordinal)).ShouldBeEmpty();

    [Fact]
    public void Edges_OfTheServer_AreSeen() =>
        Edges.ShouldContain(edge => edge.From.Name == "RegistryRequest" && edge.To.Name == "ListenerBinding", "the reader of edges found too little");

    private static bool IsOurs(TypeName type) => type.Namespace == Root || type.Namespace.StartsWith(Root + ".", StringComparison.Ordinal);

    private static string FolderOf(TypeName type) => type.Namespace == Root ? "" : type.Namespace[(Root.Length + 1)..].Split('.')[0];

    private static bool IsOptions(TypeName type) => type.Name.EndsWith("Options", StringComparison.Ordinal);
}
