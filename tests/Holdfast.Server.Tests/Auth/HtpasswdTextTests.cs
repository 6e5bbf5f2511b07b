using System.Diagnostics;
using Holdfast.Server.Auth;
using Shouldly;
using Xunit;

namespace Holdfast.Server.Tests.Auth;

public class HtpasswdTextTests
{
    private const string Hash = "$2y$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW";

    [Fact]
    [Holdfast.Testing.Promise("P9")]
    public void Parse_SeveralWrongLines_ReportsAllWithTheirNumbers()
    {
        var text = $"""
            # people
            ci:{Hash}

            old:$apr1$abcdefgh$0123456789012345678901
            sha:{"{SHA}"}W6ph5Mm5Pz8GgiULbPgzG37mj9g=
            ci:{Hash}
            nonsense
            heavy:$2y$31$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW
            anonymous:{Hash}
            """;
        var parsed = HtpasswdText.Parse("/etc/h", text);
        parsed.Problems.ShouldBe([
            "/etc/h:4: user 'old' has an MD5 hash; only bcrypt is accepted: holdfast user add old --file /etc/h",
            "/etc/h:5: user 'sha' has a SHA-1 hash; only bcrypt is accepted: holdfast user add sha --file /etc/h",
            "/etc/h:6: user 'ci' is already on line 2",
            "/etc/h:7: not a line of the form name:hash",
            "/etc/h:8: user 'heavy' has a bcrypt hash of cost 31; 4 to 16 are accepted",
            "/etc/h:9: the user name 'anonymous' is reserved",
        ]);
        parsed.Users.Keys.ShouldHaveSingleItem().ShouldBe("ci");
    }

    [Fact]
    public void Parse_WindowsLineEnds_AreNoPartOfTheHash()
    {
        var users = HtpasswdText.Parse("f", $"a:{Hash}\r\n\r\nb:{Hash}\r\n").Users;
        users.Keys.ShouldBe(["a", "b"], ignoreOrder: true);
        users.Values.ShouldAllBe(hash => hash == Hash);
    }

    [Fact]
    public void Read_MissingBinaryOrHugeFile_IsOneProblem()
    {
        var folder = Directory.CreateTempSubdirectory("holdfast-htpasswd-");
        var file = Path.Combine(folder.FullName, "f");
        HtpasswdText.Read(file).Problems.ShouldHaveSingleItem().ShouldContain(file);
        File.WriteAllBytes(file, [(byte)'a', 0xff, 0xfe]);
        HtpasswdText.Read(file).Problems.ShouldHaveSingleItem().ShouldContain("not UTF-8");
        File.WriteAllBytes(file, new byte[HtpasswdText.MaxFileBytes + 1]);
        HtpasswdText.Read(file).Problems.ShouldHaveSingleItem().ShouldContain("larger than");
        folder.Delete(recursive: true);
    }

    [Fact]
    public void Read_FileOfTheRealHtpasswd_VerifiesItsPasswords()
    {
        if (!File.Exists("/usr/bin/htpasswd"))
            Assert.Skip("htpasswd is not installed (apache2-utils)");
        var folder = Directory.CreateTempSubdirectory("holdfast-htpasswd-");
        var file = Path.Combine(folder.FullName, "f");
        Htpasswd("-cbB", file, "carol", "geheim wort");
        Htpasswd("-bB", "-C", "6", file, "dave", "other");
        Htpasswd("-bm", file, "eve", "md5");

        var text = HtpasswdText.Read(file);

        text.Problems.ShouldHaveSingleItem().ShouldContain(":3: user 'eve' has an MD5 hash");
        Bcrypt.Verify("geheim wort"u8, text.Users["carol"]).ShouldBeTrue();
        Bcrypt.Verify("other"u8, text.Users["dave"]).ShouldBeTrue();
        Bcrypt.Verify("geheim"u8, text.Users["carol"]).ShouldBeFalse();
        folder.Delete(recursive: true);
    }

    private static void Htpasswd(params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo("/usr/bin/htpasswd", arguments) { RedirectStandardError = true, UseShellExecute = false })!;
        process.StandardError.ReadToEnd();
        process.WaitForExit();
        process.ExitCode.ShouldBe(0);
    }
}
