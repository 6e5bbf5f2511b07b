using Xunit;

namespace Tidy;

public class SmokeTests
{
    [Fact]
    public void Passes() => Assert.True(true);
}
