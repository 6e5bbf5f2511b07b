using Shouldly;
using Tidy.Metadata;
using Xunit;

namespace Tidy.Rules;

/// <summary>Which project may use what: Oci, then Client and Storage, then Server, then the executable (docs/architecture.md, "Rooms").</summary>
public class ProjectTests
{
    private static readonly Dictionary<string, string[]> Ours = new(StringComparer.Ordinal)
    {
        ["Holdfast.Oci"] = [],
        ["Holdfast.Bench"] = [],
        ["Holdfast.Client"] = ["Holdfast.Oci"],
        ["Holdfast.Storage"] = ["Holdfast.Oci"],
        ["Holdfast.Doctor"] = ["Holdfast.Oci", "Holdfast.Client", "Holdfast.Storage"],
        ["Holdfast.Server"] = ["Holdfast.Oci", "Holdfast.Client", "Holdfast.Storage"],
        ["holdfast"] = ["Holdfast.Oci", "Holdfast.Client", "Holdfast.Storage", "Holdfast.Doctor", "Holdfast.Server", "Holdfast.Bench"],
    };

    // What is not listed here and is no part of .NET itself may be used by nobody; a new package gets one line, and one user.
    private static readonly Dictionary<string, string[]> Packages = new(StringComparer.Ordinal)
    {
        ["Microsoft.Data.Sqlite"] = ["Holdfast.Storage"],
        ["SQLitePCLRaw.core"] = ["Holdfast.Storage"],
        ["SQLitePCLRaw.batteries_v2"] = ["Holdfast.Storage"],
        ["Microsoft.IdentityModel."] = ["Holdfast.Server"],
        ["Microsoft.AspNetCore"] = ["Holdfast.Server", "holdfast"],
        ["System.CommandLine"] = ["holdfast"],
        ["YamlDotNet"] = ["holdfast"],
    };

    // These come with .NET or with the ASP.NET framework that Server and the executable name anyway.
    private static readonly string[] Frameworks = ["System.", "Microsoft.Win32.", "Microsoft.Extensions.", "Microsoft.Net.Http.", "netstandard"];

    [Fact]
    public void Assemblies_OfSource_AreAllKnownHere() =>
        Assembly.Source.Select(assembly => assembly.Name).ShouldBe(Ours.Keys, ignoreOrder: true);

    [Fact]
    public void References_AmongOurs_PointOneWay() =>
        Assembly.Source.SelectMany(assembly => assembly.References.Where(Ours.ContainsKey).Except(Ours[assembly.Name], StringComparer.Ordinal)
            .Select(reference => $"{assembly.Name} uses {reference}")).ShouldBeEmpty();

    [Fact]
    public void References_ToPackages_AreThoseOfThatProject() =>
        Assembly.Source.SelectMany(assembly => assembly.References.Where(reference => !MayUse(assembly.Name, reference))
            .Select(reference => $"{assembly.Name} uses {reference}")).ShouldBeEmpty();

    [Fact]
    public void Oci_Project_NamesNoPackage()
    {
        Repository.Read("src/Holdfast.Oci/Holdfast.Oci.csproj").ShouldNotContain("PackageReference");
        Assembly.Source.Single(assembly => assembly.Name == "Holdfast.Oci").References
            .ShouldAllBe(reference => reference.StartsWith("System.", StringComparison.Ordinal));
    }

    [Fact]
    public void ConcreteStores_AreNamedByTheExecutableOnly() =>
        Assembly.Source.Where(assembly => assembly.Name is not ("holdfast" or "Holdfast.Storage")).SelectMany(assembly => assembly.Edges)
            .Where(edge => IsIn(edge.To.Namespace, "Holdfast.Storage.FileSystem") || IsIn(edge.To.Namespace, "Holdfast.Storage.Sqlite"))
            .ShouldBeEmpty();

    [Fact]
    public void Seams_OfStorage_DoNotNameTheirImplementations() =>
        Assembly.Source.Single(assembly => assembly.Name == "Holdfast.Storage").Edges
            .Where(edge => IsIn(edge.From.Namespace, "Holdfast.Storage.Blobs") || IsIn(edge.From.Namespace, "Holdfast.Storage.Metadata"))
            .Where(edge => IsIn(edge.To.Namespace, "Holdfast.Storage.FileSystem") || IsIn(edge.To.Namespace, "Holdfast.Storage.Sqlite"))
            .ShouldBeEmpty();

    private static bool MayUse(string project, string reference)
    {
        if (Ours.ContainsKey(reference))
            return true;
        var package = Packages.Keys.FirstOrDefault(name => reference.StartsWith(name, StringComparison.Ordinal));
        return package is not null
            ? Packages[package].Contains(project, StringComparer.Ordinal)
            : Array.Exists(Frameworks, framework => reference.StartsWith(framework, StringComparison.Ordinal));
    }

    private static bool IsIn(string name, string ancestor) =>
        name.Equals(ancestor, StringComparison.Ordinal) || name.StartsWith(ancestor + ".", StringComparison.Ordinal);
}
