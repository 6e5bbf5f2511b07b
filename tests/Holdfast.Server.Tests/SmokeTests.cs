using Xunit;

namespace Holdfast.Server.Tests;

public class SmokeTests
{
    [Fact]
    public void Passes() => Assert.True(true);
}
