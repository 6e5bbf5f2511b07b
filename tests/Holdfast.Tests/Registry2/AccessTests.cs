using Holdfast.Configuration;
using Holdfast.Registry2;
using Holdfast.Server;
using Holdfast.Server.Auth;
using Holdfast.Server.Http;
using Shouldly;
using Xunit;

namespace Holdfast.Tests.Registry2;

/// <summary>Nothing gets open that wasn't.</summary>
public sealed class AccessTests : IDisposable
{
    private const string NoDelete = "filesystem: { }";
    private const string Delete = "filesystem: { }, delete: { enabled: true }";
    private const string ReadOnly = "filesystem: { }, maintenance: { readonly: { enabled: true } }";

    private readonly OldRegistry _old = new();

    public AccessTests() => _old.Write("users", $"ci:{OldRegistry.Bcrypt}\n");

    public void Dispose() => _old.Dispose();

    [Theory]
    [InlineData(NoDelete, "pull, push")]
    [InlineData(ReadOnly, "pull")]
    [InlineData("filesystem: { }, delete: { enabled: 'true' }", "pull, push")]
    public void Users_MayWhatTheyMightThere(string storage, string actions)
    {
        var auth = Auth(Move(storage, $"auth: {{ htpasswd: {{ realm: r, path: {_old.Folder}/users }} }}")).ShouldNotBeNull();
        auth.HtpasswdFile.ShouldBe($"{_old.Folder}/users");
        auth.Anonymous.ShouldBe(RegistryActions.None);
        var rule = auth.Access.ShouldHaveSingleItem();
        rule.Actions.ShouldBe(actions == "pull" ? RegistryActions.Pull : RegistryActions.Pull | RegistryActions.Push);
    }

    [Fact]
    public void Users_OfARegistryWithDeletes_MayDelete() =>
        Auth(Move(Delete, $"auth: {{ htpasswd: {{ realm: r, path: {_old.Folder}/users }} }}")).ShouldNotBeNull().Access.ShouldBeEmpty();

    [Theory]
    [InlineData("")]
    [InlineData("auth:")]
    [InlineData("auth: none")]
    public void OpenRegistry_StaysOpenAndTellsOfDeletes(string auth)
    {
        var result = Move(NoDelete, auth);
        Auth(result).ShouldBeNull();
        OldRegistry.Remark(result, "storage.delete.enabled").Verdict.ShouldBe(Verdict.NotHere);
        Auth(Move(Delete, auth)).ShouldBeNull();
        OldRegistry.Remark(Move(Delete, auth), "storage.delete.enabled").Verdict.ShouldBe(Verdict.Taken);
    }

    [Theory]
    [InlineData("auth: { token: { realm: 'https://auth.example/token', service: s, issuer: i, rootcertbundle: /c } }", "auth.token")]
    [InlineData("auth: { silly: { realm: r, service: s } }", "auth.silly")]
    public void Lock_ThatCantBeTaken_StaysShut(string auth, string key)
    {
        var result = Move(Delete, auth);
        OldRegistry.Remark(result, key).Verdict.ShouldBe(Verdict.NotHere);
        Shut(result);
    }

    [Fact]
    public void ClientCertificates_AloneAsTheLock_LeaveItShut() =>
        Shut(_old.Move("version: 0.1\nstorage: { filesystem: { }, delete: { enabled: true } }\nhttp: { addr: ':5000', tls: { certificate: /c, key: /k, clientcas: [/ca] } }"));

    [Fact]
    public void OpenRegistry_ThatIsReadOnly_LetsEveryonePullAndNobodyPush()
    {
        var result = Move(ReadOnly, "");
        Shut(result, anonymous: RegistryActions.Pull);
    }

    [Fact]
    public void Htpasswd_GivenByTheUser_WinsOverTheFile()
    {
        var result = _old.Move(
            OldRegistry.Base + "auth: { htpasswd: { realm: r, path: /auth/htpasswd } }",
            request => request with { Htpasswd = [new OfRegistry<string>(null, Path.Combine(_old.Folder, "users"))] });
        _old.Load(result).Problems.ShouldBeEmpty();
    }

    [Theory]
    [InlineData("auth: { htpaswd: { path: /x } }", "did you mean htpasswd?")]
    [InlineData("auth: { htpasswd: { realm: r } }", "is missing")]
    [InlineData("auth: { htpasswd: { path: /x }, token: { realm: r } }", "one of them must go")]
    [InlineData("auth: [htpasswd]", "wants a mapping")]
    public void Auth_ThatTheOldRegistryWouldntStartWith_IsWrong(string auth, string says)
    {
        var result = Move(NoDelete, auth);
        result.Configuration.ShouldBeNull();
        OldRegistry.Text(result).ShouldContain(says);
    }

    // An htpasswd file that isn't there stops the start; one without users, which -o writes, lets nobody in.
    private void Shut(MoveResult result, RegistryActions anonymous = RegistryActions.None)
    {
        result.Configuration.ShouldNotBeNull(OldRegistry.Text(result)).ShouldNotContain("auth: none");
        _old.Load(result).Configuration.ShouldBeNull();
        _old.Write("private.htpasswd", "");
        _old.Write("c", "");
        var access = result.Files.Single().Registry.Access;
        access.IsOpen.ShouldBeFalse();
        access.AnonymousPull.ShouldBe(anonymous == RegistryActions.Pull);
        result.Configuration.ShouldContain($"htpasswd: private.htpasswd, anonymous: [{(anonymous == RegistryActions.Pull ? "pull" : "")}]");
    }

    private AuthOptions? Auth(MoveResult result)
    {
        var loaded = _old.Load(result);
        loaded.Problems.ShouldBeEmpty();
        return loaded.Configuration!.Server.Registries.Single().Auth;
    }

    private MoveResult Move(string storage, string auth) => _old.Move($"version: 0.1\nstorage: {{ {storage} }}\nhttp: {{ addr: '127.0.0.1:5000' }}\n{auth}\n");
}
