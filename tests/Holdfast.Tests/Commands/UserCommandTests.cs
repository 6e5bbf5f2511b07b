using System.CommandLine;
using System.Text.Json;
using Holdfast.Commands;
using Shouldly;
using Xunit;

namespace Holdfast.Tests.Commands;

public sealed class UserCommandTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("holdfast-user-").FullName;

    private string Htpasswd => Path.Combine(_folder, "htpasswd");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Add_Check_List_Remove_WorkTogether()
    {
        (await RunAsync("add", "ci", "--file", Htpasswd, "--password-file", Secret("pa ss\n"), "--cost", "4")).ShouldBe((0, "ci: added\n", ""));
        (await RunAsync("add", "ci", "--file", Htpasswd, "--password-file", Secret("new"), "--cost", "4")).Output.ShouldBe("ci: password replaced\n");
        (await RunAsync("check", "ci", "--file", Htpasswd, "--password-file", Secret("new\r\n"))).Code.ShouldBe(0);
        (await RunAsync("check", "ci", "--file", Htpasswd, "--password-file", Secret("pa ss"))).Code.ShouldBe(1);
        (await RunAsync("check", "cj", "--file", Htpasswd, "--password-file", Secret("new"))).Code.ShouldBe(1);
        (await RunAsync("list", "--file", Htpasswd)).ShouldBe((0, "ci\n", ""));
        (await RunAsync("remove", "ci", "--file", Htpasswd)).ShouldBe((0, "ci: removed\n", ""));
        var again = await RunAsync("remove", "ci", "--file", Htpasswd);
        again.Code.ShouldBe(2);
        again.Errors.ShouldContain("has no user 'ci'");
    }

    [Fact]
    public async Task List_Json_NamesUsersAndProblems()
    {
        await RunAsync("add", "ci", "--file", Htpasswd, "--password-file", Secret("x"), "--cost", "5");
        await File.AppendAllTextAsync(Htpasswd, "old:$1$x\n");
        var (code, output, _) = await RunAsync("list", "--file", Htpasswd, "--json");
        code.ShouldBe(1);
        using var json = JsonDocument.Parse(output);
        json.RootElement.GetProperty("file").GetString().ShouldBe(Htpasswd);
        json.RootElement.GetProperty("users")[0].GetProperty("name").GetString().ShouldBe("ci");
        json.RootElement.GetProperty("users")[0].GetProperty("cost").GetInt32().ShouldBe(5);
        json.RootElement.GetProperty("problems")[0].GetString().ShouldNotBeNull().ShouldContain(":2: user 'old' has an MD5 hash");
    }

    [Fact]
    public async Task Check_Json_SaysTheResult()
    {
        await RunAsync("add", "ci", "--file", Htpasswd, "--password-file", Secret("x"), "--cost", "4");
        var (code, output, _) = await RunAsync("check", "ci", "--file", Htpasswd, "--password-file", Secret("y"), "--json");
        code.ShouldBe(1);
        using var json = JsonDocument.Parse(output);
        json.RootElement.GetProperty("result").GetString().ShouldBe("wrong");
    }

    [Theory]
    [InlineData("a:b", "x", "colon")]
    [InlineData("anonymous", "x", "reserved")]
    [InlineData("a", "", "empty")]
    [InlineData("a", "0123456789012345678901234567890123456789012345678901234567890123456789012", "72 bytes")]
    public async Task Add_NameOrPasswordThatCannotBe_IsOneLineAndTwo(string name, string password, string says)
    {
        var (code, _, errors) = await RunAsync("add", name, "--file", Htpasswd, "--password-file", Secret(password));
        code.ShouldBe(2);
        errors.ShouldContain(says);
        errors.Split('\n', StringSplitOptions.RemoveEmptyEntries).Length.ShouldBe(1);
        File.Exists(Htpasswd).ShouldBeFalse();
    }

    [Fact]
    public async Task Add_PasswordAmongTheArguments_IsNotUnderstood()
    {
        UserCommand.Create().Parse(["add", "ci", "secret", "--file", Htpasswd]).Errors.ShouldNotBeEmpty();
        var (code, _, errors) = await RunAsync("add", "ci", "--file", Htpasswd, "--password-stdin", "--password-file", Secret("x"));
        code.ShouldBe(2);
        errors.ShouldContain("not both");
    }

    [Fact]
    public async Task List_MissingFile_IsTwo()
    {
        var (code, _, errors) = await RunAsync("list", "--file", Htpasswd);
        code.ShouldBe(2);
        errors.ShouldContain(Htpasswd);
    }

    private string Secret(string text)
    {
        var file = Path.Combine(_folder, Path.GetRandomFileName());
        File.WriteAllText(file, text);
        return file;
    }

    private static async Task<(int Code, string Output, string Errors)> RunAsync(params string[] arguments)
    {
        using var output = new StringWriter();
        using var errors = new StringWriter();
        var parsed = UserCommand.Create().Parse(arguments);
        parsed.Errors.ShouldBeEmpty();
        var code = await parsed.InvokeAsync(new InvocationConfiguration { Output = output, Error = errors });
        return (code, output.ToString(), errors.ToString());
    }
}
