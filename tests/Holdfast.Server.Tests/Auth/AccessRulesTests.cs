using Holdfast.Server.Auth;
using Holdfast.Server.Http;
using Shouldly;
using Xunit;

namespace Holdfast.Server.Tests.Auth;

public class AccessRulesTests
{
    private const RegistryActions PullPush = RegistryActions.Pull | RegistryActions.Push;

    private static readonly AuthOptions Matrix = new()
    {
        HtpasswdFile = "unused",
        Anonymous = RegistryActions.None,
        Access =
        [
            new AccessRule(["ci"], ["**"], PullPush),
            new AccessRule(["*"], ["shared/**"], RegistryActions.Pull),
            new AccessRule(["anonymous"], ["public/*"], RegistryActions.Pull),
            new AccessRule(["admin", "ci"], ["old/app"], RegistryActions.Delete),
        ],
    };

    [Theory]
    [InlineData("ci", "any/thing", PullPush)]
    [InlineData("ci", "old/app", RegistryActions.All)]
    [InlineData("admin", "old/app", RegistryActions.Delete)]
    [InlineData("admin", "any/thing", RegistryActions.None)]
    [InlineData("admin", "shared/x", RegistryActions.Pull)]
    [InlineData("viewer", "shared/x/y", RegistryActions.Pull)]
    [InlineData("viewer", "any/thing", RegistryActions.None)]
    [InlineData("viewer", "public/x", RegistryActions.Pull)]
    [InlineData(null, "public/x", RegistryActions.Pull)]
    [InlineData(null, "public/x/y", RegistryActions.None)]
    [InlineData(null, "shared/x", RegistryActions.None)]
    public void Of_UserAndRepository_IsWhatTheRulesGrantTogether(string? user, string repository, RegistryActions expected) =>
        new AccessRules(Matrix).For(user).Of(AuthBench.Name(repository)).ShouldBe(expected);

    [Fact]
    public void Of_NoRules_UsersMayEverythingButAdministerAndAnonymousNothing()
    {
        var rules = new AccessRules(new AuthOptions { HtpasswdFile = "unused" });
        rules.For("anyone").Of(AuthBench.Name("a")).ShouldBe(RegistryActions.All);
        rules.For(null).Of(AuthBench.Name("a")).ShouldBe(RegistryActions.None);
        rules.Anonymous.IsNothing.ShouldBeTrue();
    }

    [Fact]
    public void Of_AdminRule_IsGrantedByNameOnly()
    {
        var rules = new AccessRules(Matrix with
        {
            Access = [new AccessRule(["*"], ["**"], RegistryActions.All), new AccessRule(["root"], ["team/*"], RegistryActions.Admin)],
        });
        rules.For("root").Of(AuthBench.Name("team/a")).ShouldBe(RegistryActions.All | RegistryActions.Admin);
        rules.For("root").Of(AuthBench.Name("a")).ShouldBe(RegistryActions.All);
        rules.For("ci").Of(AuthBench.Name("team/a")).ShouldBe(RegistryActions.All);
        (RegistryActions.All & RegistryActions.Admin).ShouldBe(RegistryActions.None);
    }

    [Fact]
    public void Of_AnonymousPull_HoldsForEveryoneEverywhere()
    {
        var rules = new AccessRules(Matrix with { Anonymous = RegistryActions.Pull });
        rules.For(null).Of(AuthBench.Name("any/thing")).ShouldBe(RegistryActions.Pull);
        rules.For("viewer").Of(AuthBench.Name("any/thing")).ShouldBe(RegistryActions.Pull);
    }

    [Fact]
    [Holdfast.Testing.Promise("P9")]
    public void Constructor_WrongPatterns_ThrowsAllOfThem()
    {
        var options = Matrix with { Access = [new AccessRule(["a"], ["A", "/b"], RegistryActions.Pull)] };
        Should.Throw<InvalidDataException>(() => new AccessRules(options)).Message.Split('\n').Length.ShouldBe(2);
    }
}
