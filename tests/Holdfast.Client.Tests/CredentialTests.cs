using System.Text;
using Holdfast.Client.Credentials;
using Holdfast.Oci;
using Shouldly;
using Xunit;

namespace Holdfast.Client.Tests;

/// <summary>Where docker, podman and skopeo keep credentials.</summary>
public sealed class CredentialTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("holdfast-test-");

    [Theory]
    [InlineData("registry.example:5000", "registry.example:5000")]
    [InlineData("https://registry.example:5000", "registry.example:5000")]
    [InlineData("https://registry.example:5000/v1/", "registry.example:5000")]
    [InlineData("https://index.docker.io/v1/", "docker.io")]
    public async Task Search_InDockersFile_FindsTheHost(string key, string host)
    {
        Write("config.json", $"{{{Auths(("other.example", "x:y"), (key, "alice:s3cret:word"))}}}");

        var (found, problems) = await FindAsync(host);

        problems.ShouldBeEmpty();
        found.ShouldNotBeNull();
        (found.Username, found.Password).ShouldBe(("alice", "s3cret:word"));
    }

    [Fact]
    public async Task Search_ForARepository_TakesTheMostSpecialOfPodmansFile()
    {
        Write("auth.json", $"{{{Auths(("registry.example", "all:1"), ("registry.example/team", "team:2"))}}}");

        (await FindAsync("registry.example", "team/app", ("REGISTRY_AUTH_FILE", PathOf("auth.json")))).Found!.Username.ShouldBe("team");
        (await FindAsync("registry.example", "teams/app", ("REGISTRY_AUTH_FILE", PathOf("auth.json")))).Found!.Username.ShouldBe("all");
    }

    [Theory]
    [InlineData("""{"credHelpers":{"registry.example":"test"}}""")]
    [InlineData("""{"credsStore":"test","auths":{"registry.example":{}}}""")]
    public async Task Search_WithAHelper_AsksIt(string file)
    {
        Write("config.json", file);
        WriteHelper("""read server; [ "$server" = registry.example ] || exit 3; echo '{"ServerURL":"x","Username":"helped","Secret":"pass"}'""");

        var (found, problems) = await FindAsync("registry.example");

        problems.ShouldBeEmpty();
        (found!.Username, found.Password).ShouldBe(("helped", "pass"));
    }

    [Fact]
    public async Task Search_WithAHelperThatHasNothing_GoesOnWithoutAWord()
    {
        Write("config.json", $"{{\"credsStore\":\"test\",{Auths(("registry.example", "file:1"))}}}");
        WriteHelper("echo credentials not found in native keychain; exit 1");

        var (found, problems) = await FindAsync("registry.example");

        problems.ShouldBeEmpty();
        found!.Username.ShouldBe("file");
    }

    [Theory]
    [InlineData("echo broken; exit 1", "broken")]
    [InlineData("echo no json", "else than JSON")]
    [InlineData("echo '{\"Username\":\"<token>\",\"Secret\":\"x\"}'", "identity token")]
    public async Task Search_WithAHelperThatFails_SaysSo(string script, string said)
    {
        Write("config.json", """{"credsStore":"test"}""");
        WriteHelper(script);

        var (found, problems) = await FindAsync("registry.example");

        found.ShouldBeNull();
        problems.ShouldHaveSingleItem().ShouldContain(said);
    }

    [Theory]
    [InlineData("absent", "no program docker-credential-absent on the PATH")]
    [InlineData("../../bin/sh", "no name that a program could have")]
    [InlineData("a b", "no name that a program could have")]
    public async Task Search_WithAHelperThatCannotBe_SaysSoAndRunsNothing(string name, string said)
    {
        Write("config.json", $$"""{"credsStore":"{{name}}"}""");

        (await FindAsync("registry.example")).Problems.ShouldHaveSingleItem().ShouldContain(said);
    }

    [Fact]
    public async Task Search_WithAHelperInTheCurrentFolderOnly_RunsNothing()
    {
        var name = $"planted-{Guid.NewGuid():N}";
        var planted = Path.GetFullPath($"docker-credential-{name}");
        Write("config.json", $$"""{"credsStore":"{{name}}"}""");
        await File.WriteAllTextAsync(planted, """
            #!/bin/sh
            echo '{"Username":"thief","Secret":"x"}'

            """);
        File.SetUnixFileMode(planted, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        try
        {
            var (found, problems) = await FindAsync("registry.example");

            found.ShouldBeNull();
            problems.ShouldHaveSingleItem().ShouldContain("on the PATH");
        }
        finally
        {
            File.Delete(planted);
        }
    }

    [Theory]
    [InlineData("{", "no JSON")]
    [InlineData("[]", "no JSON object")]
    [InlineData("""{"auths":{"registry.example":{"auth":"%%%"}}}""", "no Base64")]
    [InlineData("""{"auths":{"registry.example":{"auth":"bm9jb2xvbg=="}}}""", "no name and password")]
    [InlineData("""{"auths":{"registry.example":{"identitytoken":"x"}}}""", "identity token")]
    public async Task Search_InAFileThatIsNotRight_SaysSoWithoutItsText(string file, string said)
    {
        Write("config.json", file);

        var (found, problems) = await FindAsync("registry.example");

        found.ShouldBeNull();
        problems.ShouldHaveSingleItem().ShouldContain(said);
        problems[0].ShouldNotContain("nocolon");
    }

    [Theory]
    [InlineData("{}")]
    [InlineData("""{"auths":{}}""")]
    [InlineData("""{"auths":{"registry.example.org":{"auth":"YTpi"}}}""")]
    [InlineData("""{"auths":null,"credHelpers":7,"credsStore":null}""")]
    public async Task Search_WithoutAnEntry_FindsNobody(string file)
    {
        Write("config.json", file);

        var (found, problems) = await FindAsync("registry.example");

        found.ShouldBeNull();
        problems.ShouldBeEmpty();
    }

    public void Dispose() => _folder.Delete(recursive: true);

    private async Task<(Credential? Found, IReadOnlyList<string> Problems)> FindAsync(string host, string? repository = null, params (string Name, string Value)[] variables)
    {
        var environment = variables.Append(("DOCKER_CONFIG", _folder.FullName)).ToDictionary(pair => pair.Item1, pair => pair.Item2);
        return await new CredentialSearch(environment.GetValueOrDefault, TimeProvider.System)
            .FindAsync(host, repository is null ? default : RepositoryName.Parse(repository), CancellationToken.None);
    }

    private void WriteHelper(string script)
    {
        var file = PathOf("docker-credential-test");
        File.WriteAllText(file, $"#!/bin/sh\n{script}\n");
        File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        var path = Environment.GetEnvironmentVariable("PATH")!;
        if (!path.Contains(_folder.FullName, StringComparison.Ordinal))
            Environment.SetEnvironmentVariable("PATH", $"{_folder.FullName}:{path}");
    }

    private void Write(string name, string text) => File.WriteAllText(PathOf(name), text);

    private string PathOf(string name) => Path.Combine(_folder.FullName, name);

    private static string Auths(params (string Key, string Credential)[] entries) =>
        $"\"auths\":{{{string.Join(',', entries.Select(entry => $"\"{entry.Key}\":{{\"auth\":\"{Pack(entry.Credential)}\"}}"))}}}";

    private static string Pack(string text) => Convert.ToBase64String(Encoding.UTF8.GetBytes(text));
}
