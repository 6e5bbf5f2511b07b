using Xunit;

namespace Holdfast.Storage.Tests;

public class SmokeTests
{
    [Fact]
    public void Passes() => Assert.True(true);
}
