using Shouldly;
using Xunit;

namespace Holdfast.Oci.Tests;

public class CountedTests
{
    [Theory]
    [InlineData(0, "0 repositories")]
    [InlineData(1, "1 repository")]
    [InlineData(2000, "2,000 repositories")]
    public void Of_Number_HasItsForm(long count, string expected) => Counted.Of(count, "repository", "repositories").ShouldBe(expected);

    [Fact]
    public void Of_WordWithoutAnotherForm_GetsAnS() => Counted.Of(2, "tag").ShouldBe("2 tags");
}
