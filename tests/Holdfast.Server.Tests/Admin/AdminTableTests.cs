using Holdfast.Server.Http;
using Shouldly;
using Xunit;

namespace Holdfast.Server.Tests.Admin;

public class AdminTableTests
{
    private static readonly AdminHandler First = static _ => Task.CompletedTask;
    private static readonly AdminHandler Second = static _ => Task.FromResult(2);

    [Theory]
    [InlineData("/api/v1/incidents/7/acknowledge", "7")]
    [InlineData("/api/v1/incidents/a%2Fb%3Ac/acknowledge", "a/b:c")]
    [InlineData("/api/v1/incidents/%/acknowledge", "%")]
    public void TryFind_TemplateFits_HasTheDecodedValue(string path, string value)
    {
        new AdminTable().Map("POST", "/api/v1/incidents/{id}/acknowledge", First).TryFind("POST", path, out var match).ShouldBeTrue();
        match.Handler.ShouldBe(First);
        match.Values["id"].ShouldBe(value);
    }

    [Theory]
    [InlineData("GET", "/api/v1/incidents/7/acknowledge")]
    [InlineData("POST", "/api/v1/incidents//acknowledge")]
    [InlineData("POST", "/api/v1/incidents/7/acknowledge/")]
    [InlineData("POST", "/api/v1/incidents/7/8/acknowledge")]
    [InlineData("POST", "/api/v1/incidents/7")]
    [InlineData("POST", "/api/v1/Incidents/7/acknowledge")]
    [InlineData("POST", "/")]
    public void TryFind_AnythingElse_FindsNothing(string method, string path) =>
        new AdminTable().Map("POST", "/api/v1/incidents/{id}/acknowledge", First).TryFind(method, path, out _).ShouldBeFalse();

    [Fact]
    public void TryFind_TwoTemplatesFit_TakesTheMoreLiteral()
    {
        var table = new AdminTable().Map("GET", "/api/v1/trash/{id}", First).Map("GET", "/api/v1/trash/plan", Second);
        table.TryFind("GET", "/api/v1/trash/plan", out var match).ShouldBeTrue();
        match.Handler.ShouldBe(Second);
        table.TryFind("GET", "/api/v1/trash/plans", out match).ShouldBeTrue();
        match.Handler.ShouldBe(First);
    }

    [Fact]
    public void MethodsOf_APlace_AreThoseMapped() =>
        new AdminTable().Map("POST", "/api/v1/trash/{id}", First).Map("DELETE", "/api/v1/trash/{name}", First).Map("GET", "/api/v1/trash", First)
            .MethodsOf("/api/v1/trash/1").ShouldBe("DELETE, POST");

    [Fact]
    public void Map_TheSamePlaceTwice_IsRefused()
    {
        var table = new AdminTable().Map("GET", "/api/v1/trash/{id}", First);
        Should.Throw<ArgumentException>(() => table.Map("GET", "/api/v1/trash/{name}", Second));
        Should.Throw<ArgumentException>(() => table.Map("GET", "/api/v2/trash", Second));
    }
}
