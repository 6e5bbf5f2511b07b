using Xunit;

namespace Holdfast.Tests;

public class SmokeTests
{
    [Fact]
    public void Passes() => Assert.True(true);
}
