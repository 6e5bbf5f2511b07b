using Holdfast.Server.Auth;
using Shouldly;
using Xunit;

namespace Holdfast.Server.Tests.Auth;

public sealed class HtpasswdEditorTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("holdfast-editor-").FullName;

    private string File_ => Path.Combine(_folder, "htpasswd");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Set_NewFile_IsForItsOwnerOnlyAndLeavesNothingBeside()
    {
        HtpasswdEditor.Open(File_, create: true).Set("ci", "secret", 4).ShouldBe(HtpasswdEdit.Added);
        File.GetUnixFileMode(File_).ShouldBe(UnixFileMode.UserRead | UnixFileMode.UserWrite);
        Directory.GetFiles(_folder).ShouldBe([File_]);
        HtpasswdEditor.Open(File_).Check("ci", "secret").ShouldBe(HtpasswdCheck.Right);
        HtpasswdEditor.Open(File_).Check("ci", "Secret").ShouldBe(HtpasswdCheck.Wrong);
        HtpasswdEditor.Open(File_).Check("cj", "secret").ShouldBe(HtpasswdCheck.NoSuchUser);
    }

    [Fact]
    public void Set_ExistingUser_KeepsTheRestAndTheMode()
    {
        const UnixFileMode Mode = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead;
        File.WriteAllText(File_, "# people\nold:$apr1$x\n\nci:broken\nci:again");
        File.SetUnixFileMode(File_, Mode);
        HtpasswdEditor.Open(File_).Set("ci", "secret", 4).ShouldBe(HtpasswdEdit.Replaced);
        var lines = File.ReadAllLines(File_);
        lines[..3].ShouldBe(["# people", "old:$apr1$x", ""]);
        lines[3].ShouldStartWith("ci:$2y$04$");
        lines.Length.ShouldBe(4);
        File.GetUnixFileMode(File_).ShouldBe(Mode);
    }

    [Fact]
    public void Set_ThroughASymbolicLink_ReplacesWhatItPointsTo()
    {
        var real = Path.Combine(_folder, "real");
        File.WriteAllText(real, "");
        File.CreateSymbolicLink(File_, real);
        HtpasswdEditor.Open(File_).Set("ci", "secret", 4);
        new FileInfo(File_).LinkTarget.ShouldBe(real);
        File.ReadAllText(real).ShouldStartWith("ci:");
    }

    [Fact]
    public void Remove_User_IsGone()
    {
        HtpasswdEditor.Open(File_, create: true).Set("ci", "secret", 4);
        HtpasswdEditor.Open(File_).Remove("nobody").ShouldBe(HtpasswdEdit.NotFound);
        HtpasswdEditor.Open(File_).Remove("ci").ShouldBe(HtpasswdEdit.Removed);
        File.ReadAllText(File_).ShouldBe("");
    }

    [Fact]
    public void Set_FileChangedMeanwhile_Refuses()
    {
        HtpasswdEditor.Open(File_, create: true).Set("ci", "secret", 4);
        var late = HtpasswdEditor.Open(File_);
        HtpasswdEditor.Open(File_).Set("other", "secret", 4);
        Should.Throw<IOException>(() => late.Set("ci", "new", 4)).Message.ShouldContain("changed by someone else");
        HtpasswdEditor.Open(File_).Text.Users.Keys.ShouldBe(["ci", "other"], ignoreOrder: true);
    }

    [Theory]
    [InlineData("", "x")]
    [InlineData("a:b", "x")]
    [InlineData("a\nb", "x")]
    [InlineData("*", "x")]
    [InlineData("a", "")]
    [InlineData("a", "x\0y")]
    public void Set_NameOrPasswordThatCannotBe_RefusesAndWritesNothing(string name, string password)
    {
        Should.Throw<InvalidDataException>(() => HtpasswdEditor.Open(File_, create: true).Set(name, password, 4));
        File.Exists(File_).ShouldBeFalse();
    }

    [Fact]
    public void Set_PasswordOver72Bytes_SaysThatBcryptWouldCutIt() =>
        Should.Throw<InvalidDataException>(() => HtpasswdEditor.Open(File_, create: true).Set("a", new string('ä', 37), 4))
            .Message.ShouldContain("72 bytes");

    [Fact]
    public void Open_NameOf256Characters_IsTooLong() => HtpasswdText.NameProblem(new string('a', 256)).ShouldNotBeNull();
}
