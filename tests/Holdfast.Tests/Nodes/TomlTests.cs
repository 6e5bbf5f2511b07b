using Holdfast.Configuration;
using Holdfast.Nodes;
using Shouldly;
using Xunit;

namespace Holdfast.Tests.Nodes;

public sealed class TomlTests
{
    [Fact]
    public void Parse_EveryForm_IsReadWithItsLine()
    {
        const string Toml = """"
            # comment
            version = 2
            bare.dotted."quoted.key" = 'C:\literal'   # behind
            escaped = "tab\tquote\" \u00e9"
            long = """
            one \
               two"""
            list = [ 1, "two", # comment
              [ true ], ]
            inline = { a = "b", c.d = -1.5e3 }
            time = 1979-05-27T07:32:00Z
            [plugins."io.containerd.grpc.v1.cri".registry]
              config_path = ""
              [plugins."io.containerd.grpc.v1.cri".registry.headers]
            [[item]]
            name = "first"
            [[item]]
            name = "second"
            """";
        var root = Parse(Toml.ReplaceLineEndings("\n"));
        root.Text("version").ShouldBe("2");
        root.Map("bare").Map("dotted").Text("quoted.key").ShouldBe("C:\\literal");
        root.Text("escaped").ShouldBe("tab\tquote\" é");
        root.Text("long").ShouldBe("one two");
        root.List("list").Count.ShouldBe(3);
        root.Map("inline").Map("c").Text("d").ShouldBe("-1.5e3");
        var path = root.Map("plugins").Map("io.containerd.grpc.v1.cri").Map("registry")!.Find("config_path").ShouldBeOfType<ScalarSetting>();
        (path.Text, path.IsQuoted, path.Origin.Line).ShouldBe(("", true, 13));
        root.List("item").Select(item => ((MapSetting)item).Text("name")).ShouldBe(["first", "second"]);
        Parse(Toml.ReplaceLineEndings("\r\n")).Text("version").ShouldBe("2");
    }

    [Theory]
    [InlineData("a = ", 1, "expected a value, and the file ends")]
    [InlineData("a = b", 1, "'b' is not a value; put text in quotes")]
    [InlineData("x = 1\na = \"b", 2, "the file ends in the middle of a value; a quote or a bracket is not closed")]
    [InlineData("a = \"b\nc = 1", 1, "a quote is not closed on its line")]
    [InlineData("a = [1, 2\nb = 3", 2, "expected , or ] in the array, and there is b")]
    [InlineData("a = 1 b = 2", 1, "something follows the value, and there is b")]
    [InlineData("a = 1\na = 2", 2, "a is given twice; the first is at t.toml:1")]
    [InlineData("[a]\n[b]\n[a]", 3, "[a] is there twice; the first is at t.toml:1")]
    [InlineData("[host.http://10.0.0.5:5000]", 1, "a key that has other characters than letters, digits, - and _ must be in quotes: [host.\"http://…\"]")]
    [InlineData("[a", 1, "expected ] after the table's name, and the file ends")]
    [InlineData("a = \"\\d\"", 1, "\\d is no escape; write \\\\ for a backslash, or use single quotes")]
    [InlineData("a = 1\n[a.b]", 2, "a is given twice; the first is at t.toml:1")]
    [InlineData("config_path: \"x\"", 1, "a key that has other characters than letters, digits, - and _ must be in quotes: [host.\"http://…\"]")]
    [InlineData("a = \"\0\"", 1, "there is a character that text doesn't have")]
    public void Parse_WhatIsNotToml_IsOneProblemWithItsLine(string toml, int line, string text)
    {
        var problems = new Problems();
        TomlFile.Parse(toml, "t.toml", "/", problems).ShouldBeNull();
        problems.All.ShouldHaveSingleItem().ToString().ShouldBe($"t.toml:{line}: not valid TOML: {text}");
    }

    private static MapSetting Parse(string toml)
    {
        var problems = new Problems();
        var root = TomlFile.Parse(toml, "t.toml", "/", problems);
        problems.All.Select(p => p.ToString()).ShouldBeEmpty();
        return root!;
    }
}
