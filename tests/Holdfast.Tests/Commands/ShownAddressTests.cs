using Holdfast.Commands;
using Shouldly;
using Xunit;

namespace Holdfast.Tests.Commands;

public class ShownAddressTests
{
    [Theory]
    [InlineData("https://bob:s3cret@host:5000/app", "https://bob:…@host:5000/app")]
    [InlineData("bob:s3/cret@host", "bob:s3/cret@host")] // A path, for all that anybody knows.
    [InlineData("bob:s3@cret@host/app:v1", "bob:…@host/app:v1")]
    [InlineData("host:5000/app@sha256:00", "host:5000/app@sha256:00")]
    [InlineData("./a@b:c.tar", "./a@b:c.tar")]
    public void Of_AddressWithAPassword_LeavesItOut(string text, string shown) => ShownAddress.Of(text).ShouldBe(shown);
}
