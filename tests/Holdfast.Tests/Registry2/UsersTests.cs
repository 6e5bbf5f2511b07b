using Holdfast.Registry2;
using Shouldly;
using Xunit;

namespace Holdfast.Tests.Registry2;

public sealed class UsersTests : IDisposable
{
    private readonly OldRegistry _old = new();

    public void Dispose() => _old.Dispose();

    [Theory]
    [InlineData("{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=", "SHA-1")]
    [InlineData("$apr1$abcdefgh$abcdefghijklmnopqrstu.", "MD5")]
    [InlineData("$6$salt$hash", "SHA-512")]
    [InlineData("rqXexS6ZhobKA", "DES")]
    [InlineData("plain", "no hash that is known")]
    public void Hash_ThatIsNotBcrypt_IsLeftAndSaysWhatToDo(string hash, string kind)
    {
        var users = Read($"ci:{OldRegistry.Bcrypt}\nold:{hash}\n");
        users.Lines.ShouldBe([$"ci:{OldRegistry.Bcrypt}"]);
        var left = users.Left.ShouldHaveSingleItem();
        left.ShouldContain(":2: user 'old'");
        left.ShouldContain(kind);
        left.ShouldContain("holdfast user add old --file new.htpasswd");
        left.ShouldContain("never worked there");
    }

    [Theory]
    [InlineData("$2a$")]
    [InlineData("$2b$")]
    [InlineData("$2y$")]
    public void Bcrypt_OfEachMaker_IsTakenAsItIs(string prefix) =>
        Read($"ci:{prefix}{OldRegistry.Bcrypt[4..]}").Lines.ShouldBe([$"ci:{prefix}{OldRegistry.Bcrypt[4..]}"]);

    [Fact]
    public void User_WithTwoLines_HasTheLastAsThere()
    {
        var later = OldRegistry.Bcrypt.Replace("cIoL", "cIoM", StringComparison.Ordinal);
        var users = Read($"# users\nci:{OldRegistry.Bcrypt}\n\nci:{later}\r\n");
        users.Lines.ShouldBe([$"ci:{later}"]);
        users.Left.ShouldHaveSingleItem().ShouldContain("line 4");
    }

    [Fact]
    public void Cost_BeyondWhatIsTaken_IsLeft() => Read($"ci:{OldRegistry.Bcrypt.Replace("$04$", "$17$", StringComparison.Ordinal)}").Left.ShouldHaveSingleItem().ShouldContain("cost 17");

    [Fact]
    public void Line_WithoutColon_IsLeft() => Read("nonsense\n").Left.ShouldHaveSingleItem().ShouldContain("lets nobody in at all");

    [Fact]
    public void File_ThatIsNotThere_SaysHowToNameIt()
    {
        var users = MovedUsers.Read("a", Path.Combine(_old.Folder, "absent"), "new");
        users.Lines.ShouldBeEmpty();
        users.Left.ShouldHaveSingleItem().ShouldContain("--htpasswd");
    }

    private MovedUsers Read(string text) => MovedUsers.Read("private", _old.Write("users", text), "new.htpasswd");
}
