using System.Diagnostics;
using System.Text;
using Shouldly;
using Xunit;

namespace Holdfast.Tests.Commands;

/// <summary>Where the program gets a password from, as a process: standard input, or a person at a terminal.</summary>
public sealed class UserPasswordTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("holdfast-password-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Add_FromStandardInput_TakesItWithoutItsLineEnd()
    {
        (await HoldfastProcess.RunWithInputAsync(_folder, "s e cret\n", "user", "add", "ci", "--file", "h", "--password-stdin", "--cost", "4"))
            .ShouldBe((0, "ci: added\n", ""));
        (await HoldfastProcess.RunWithInputAsync(_folder, "s e cret", "user", "check", "ci", "--file", "h", "--password-stdin")).ExitCode.ShouldBe(0);
        (await HoldfastProcess.RunWithInputAsync(_folder, "s e cret ", "user", "check", "ci", "--file", "h", "--password-stdin")).ExitCode.ShouldBe(1);
    }

    [Fact]
    public async Task Add_WithoutTerminalAndPassword_SaysHowToGiveIt() =>
        (await HoldfastProcess.RunWithInputAsync(_folder, "", "user", "add", "ci", "--file", "h"))
            .ShouldBe((2, "", "holdfast user: no terminal to ask for the password: give --password-stdin or --password-file F\n"));

    [Theory]
    [InlineData("holdfast user add ci --file no/h --password-stdin", "/no/h: there is no folder ")]
    [InlineData("holdfast user add ci --file h --password-file nope", "--password-file: no file 'nope'")]
    [InlineData("holdfast user list --file nope", "/nope: no such file")]
    [InlineData("holdfast user list --file .", ": is a folder, not a file")]
    public async Task User_FileThatCannotBe_IsOneLine(string command, string says)
    {
        var (exitCode, output, errors) = await HoldfastProcess.RunWithInputAsync(_folder, "x", command.Split(' ')[1..]);
        exitCode.ShouldBe(2);
        output.ShouldBeEmpty();
        errors.Split('\n', StringSplitOptions.RemoveEmptyEntries).ShouldHaveSingleItem().ShouldContain(says);
    }

    [Fact]
    public async Task Add_AtATerminal_AsksTwiceAndShowsNothing()
    {
        var (exitCode, screen) = await TypeAsync("tip\u007f\u007fop", "top");
        screen.ShouldContain("Password: ");
        screen.ShouldContain("Again: ");
        screen.ShouldContain("ci: added");
        screen.ShouldNotContain("top");
        screen.ShouldNotContain("ip");
        exitCode.ShouldBe(0);
        (await HoldfastProcess.RunWithInputAsync(_folder, "top", "user", "check", "ci", "--file", "h", "--password-stdin")).ExitCode.ShouldBe(0);
    }

    [Fact]
    public async Task Add_AtATerminalTwoPasswords_ChangesNothing()
    {
        var (exitCode, screen) = await TypeAsync("one", "other");
        screen.ShouldContain("holdfast user: the two passwords differ");
        exitCode.ShouldBe(2);
        File.Exists(Path.Combine(_folder, "h")).ShouldBeFalse();
    }

    // script gives the program a terminal, and to us what it shows. What is typed before the question would be shown by the terminal.
    private async Task<(int ExitCode, string Screen)> TypeAsync(string first, string second)
    {
        Assert.SkipUnless(File.Exists("/usr/bin/script"), "needs script (Debian: bsdutils)");
        string[] arguments = ["-qec", $"{HoldfastProcess.Program} user add ci --file h --cost 4", "/dev/null"];
        using var process = Process.Start(HoldfastProcess.Describe("/usr/bin/script", _folder, arguments, [("TERM", "dumb")]))!;
        var screen = new StringBuilder();
        await ReadUntilAsync(process.StandardOutput, screen, "Password: ");
        await process.StandardInput.WriteAsync(first + "\r");
        await process.StandardInput.FlushAsync();
        await ReadUntilAsync(process.StandardOutput, screen, "Again: ");
        await process.StandardInput.WriteAsync(second + "\r");
        await process.StandardInput.FlushAsync();
        screen.Append(await process.StandardOutput.ReadToEndAsync().WaitAsync(TimeSpan.FromSeconds(60)));
        await process.WaitForExitAsync();
        return (process.ExitCode, screen.ToString());
    }

    private static async Task ReadUntilAsync(StreamReader reader, StringBuilder screen, string text)
    {
        var one = new char[1];
        while (!screen.ToString().EndsWith(text, StringComparison.Ordinal))
        {
            (await reader.ReadAsync(one).AsTask().WaitAsync(TimeSpan.FromSeconds(60))).ShouldBe(1, screen.ToString());
            screen.Append(one);
        }
    }
}
