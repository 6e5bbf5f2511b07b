using Shouldly;
using Tidy.Metadata;
using Xunit;

namespace Tidy.Rules;

/// <summary>Small files and methods: the limits are outer ones, not aims.</summary>
public class SizeTests(ITestOutputHelper output)
{
    private const int MaxFileLines = 500;
    private const int MaxMethodLines = 70;

    // The 95th percentile of the best-kept codebases of this kind and size lies between 170 and 250.
    private const int MaxLinesOfMostFiles = 250;

    [Fact]
    public void Files_All_AreAtMost500Lines() =>
        new[] { "src", "tests", "bench" }.SelectMany(folder => Repository.Files(folder, ".cs"))
            .Select(file => (File: file, Lines: Repository.ReadLines(file).Length))
            .Where(counted => counted.Lines > MaxFileLines)
            .ShouldBeEmpty();

    [Fact]
    public void Files_OfSource_AreMostlyAtMost250Lines()
    {
        var lines = Repository.Files("src", ".cs").Select(file => Repository.ReadLines(file).Length).Order().ToArray();
        output.WriteLine($"{lines.Length} files, median {lines[lines.Length / 2]}, 95th percentile {lines[lines.Length * 95 / 100]}, longest {lines[^1]}");

        lines[lines.Length * 95 / 100].ShouldBeLessThanOrEqualTo(MaxLinesOfMostFiles);
    }

    [Fact]
    public void Methods_All_AreAtMost70Lines()
    {
        var methods = Assembly.Source.Concat(Assembly.Tests).SelectMany(MethodLengths.In)
            .Where(method => !method.Name.EndsWith(".cctor", StringComparison.Ordinal)) // field initializers, wherever in the type they stand
            .ToList();
        output.WriteLine($"{methods.Count} methods, longest {methods.Max(method => method.Lines)}");

        methods.Count.ShouldBeGreaterThan(100);
        methods.Where(method => method.Lines > MaxMethodLines).ShouldBeEmpty();
    }
}
