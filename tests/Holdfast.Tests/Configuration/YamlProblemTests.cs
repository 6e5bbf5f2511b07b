using Holdfast.Configuration;
using Holdfast.Testing;
using Shouldly;
using Xunit;

namespace Holdfast.Tests.Configuration;

/// <summary>What is wrong with the file as such.</summary>
public sealed class YamlProblemTests(ConfigurationFolder folder) : IClassFixture<ConfigurationFolder>
{
    public static TheoryData<string, string[]> Bad => new()
    {
        { "", ["h.yaml: the file is empty; remove it from the command to serve with the defaults"] },
        { "# only a comment\n", ["h.yaml: the file is empty; remove it from the command to serve with the defaults"] },
        { "---\n", ["h.yaml: the file is empty; remove it from the command to serve with the defaults"] },
        { "data:/x\n", ["h.yaml:1: the file is not made of keys and values; write `key: value` lines, with a space after the colon"] },
        { "- data: /x\n", ["h.yaml:1: the file is not made of keys and values; write `key: value` lines, with a space after the colon"] },
        { "data: /x\nuploads:\n  maxOpen: 5\ndata: /y\n", ["h.yaml:4: data: given twice; the first is at h.yaml:1"] },
        { "uploads: { maxOpen: 1, maxOpen: 2 }\n", ["h.yaml:1: uploads.maxOpen: given twice; the first is at h.yaml:1"] },
        { "uploads:\n\tmaxAge: 3h\n", ["h.yaml:2: a tab in the indentation; YAML wants spaces there: replace the tab by spaces"] },
        {
            "uploads:\n  \tmaxAge: 3h\n \tmaxOpen: 3\n",
            [
                "h.yaml:2: a tab in the indentation; YAML wants spaces there: replace the tab by spaces",
                "h.yaml:3: a tab in the indentation; YAML wants spaces there: replace the tab by spaces",
            ]
        },
        { "data: /x\n---\ndata: /y\n", ["h.yaml:2: a second document begins here; a configuration is one document: remove the line ---"] },
        { "data: &here /x\n", ["h.yaml:1: data: anchors are not supported; remove &here"] },
        { "data: *here\n", ["h.yaml:1: data: a value that begins with * must be quoted: \"*here\" (YAML aliases are not supported)"] },
        { "data: !!str /x\n", ["h.yaml:1: data: tags are not supported; remove 'tag:yaml.org,2002:str'"] },
        { "[a]: b\n", ["h.yaml:1: a key must be one word; quote a value that begins with { or ["] },
        { "data: \"/x\n", ["h.yaml:1: not valid YAML at column 7: while scanning a quoted scalar, found unexpected end of stream; a quote is not closed"] },
        { "data: a: b\n", ["h.yaml:1: not valid YAML at column 8: while scanning a plain scalar value, found invalid mapping; put a value that has a colon and a space in it in quotes"] },
        { "proxies:\n  trusted: [10.0.0.0/8\nlog: {}\n", ["h.yaml:2: not valid YAML in what follows this line; check the brackets and quotes"] },
    };

    [Theory]
    [MemberData(nameof(Bad))]
    [Promise("P9")]
    public void Load_BadYaml_SaysFileLineAndRemedy(string yaml, string[] lines)
    {
        var result = folder.Load(yaml);
        ConfigurationFolder.Lines(result).ShouldBe(lines);
        result.Configuration.ShouldBeNull();
    }

    [Fact]
    [Promise("P9")]
    public void Load_Unquoted_StarSaysToQuote()
    {
        var result = folder.Load("listeners:\n  - registry: *\n");
        ConfigurationFolder.Lines(result).ShouldHaveSingleItem().ShouldEndWith("; put a value that begins with * in quotes");
    }

    [Fact]
    [Promise("P10")]
    public void Load_BillionLaughs_RefusedWithoutExpanding()
    {
        var yaml = "a: &a [lol,lol,lol,lol,lol,lol,lol,lol,lol]\n"
            + string.Concat("bcdefghij".Select(c => $"{c}: &{c} [{string.Join(',', Enumerable.Repeat($"*{(char)(c - 1)}", 9))}]\n"));
        var result = folder.Load(yaml);
        result.Configuration.ShouldBeNull();
        result.Problems.Count.ShouldBeLessThan(200);
    }

    [Fact]
    [Promise("P10")]
    public void Load_DeepNesting_RefusedAtABound()
    {
        var result = folder.Load("data: " + new string('[', 500_000));
        ConfigurationFolder.Lines(result).ShouldHaveSingleItem().ShouldContain("deeper than 32 levels");
    }

    [Fact]
    [Promise("P9")]
    public void Load_FileThatCannotBeRead_OneLineEach()
    {
        var big = folder.Write("big.yaml", new string('#', YamlFile.MaxBytes + 1));
        var latin = System.IO.Path.Combine(folder.Path, "latin.yaml");
        File.WriteAllBytes(latin, [(byte)'a', 0xE4, (byte)'\n']);
        Read(big).ShouldBe($"{big}: is larger than 1 MiB; this can't be a configuration");
        Read(latin).ShouldBe($"{latin}: is not UTF-8 text");
        Read(folder.Path).ShouldBe($"{folder.Path}: is a folder, not a file");
        Read("/nowhere/h.yaml").ShouldBe("/nowhere/h.yaml: no such file; `holdfast config sample` prints one to start from");

        string Read(string file)
        {
            var result = folder.LoadWithoutFile(new ConfigurationArguments { File = file });
            result.Configuration.ShouldBeNull();
            return ConfigurationFolder.Lines(result).ShouldHaveSingleItem();
        }
    }

    [Fact]
    public void Load_ByteOrderMark_IsPassedOver()
    {
        var file = folder.Write("bom.yaml", "\uFEFFdata: /x\n");
        folder.LoadWithoutFile(new ConfigurationArguments { File = file }).Configuration!.DataFolder.ShouldBe("/x");
    }
}
