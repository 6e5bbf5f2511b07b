using Xunit;

namespace Holdfast.Oci.Tests;

public class SmokeTests
{
    [Fact]
    public void Passes() => Assert.True(true);
}
