using Holdfast.Drill.Commands;

namespace Holdfast.Drill.Tests;

public class ArgumentsTests
{
    [Theory]
    [InlineData("1GiB", 1L << 30)]
    [InlineData("10MB", 10_000_000)]
    [InlineData("1.5KiB", 1536)]
    [InlineData("512", 512)]
    public void Size_Written_IsBytes(string text, long bytes) => new Arguments(["--size", text]).Size("size", 0).ShouldBe(bytes);

    [Theory]
    [InlineData("--size", "-1")]
    [InlineData("--size", "1Gi")]
    [InlineData("--size", "0")]
    public void Size_Impossible_IsRefused(params string[] arguments) => Should.Throw<UsageException>(() => new Arguments(arguments).Size("size", 0));

    [Fact]
    public void RefuseUnread_MistypedOption_IsNamed()
    {
        var arguments = new Arguments(["--size=1", "--sise", "1"]);
        arguments.Size("size", 0);

        Should.Throw<UsageException>(arguments.RefuseUnread).Message.ShouldContain("--sise");
    }
}
