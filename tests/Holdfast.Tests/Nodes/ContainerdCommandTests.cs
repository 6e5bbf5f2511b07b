using System.Text;
using System.Text.Json;
using Holdfast.Tests.Commands;
using Holdfast.Testing;
using Shouldly;
using Xunit;

namespace Holdfast.Tests.Nodes;

/// <summary>The commands as users run them, and a check of what one of them wrote against a running server.</summary>
public sealed class ContainerdCommandTests : IDisposable
{
    private readonly NodeFolder _node = new();

    public void Dispose() => _node.Dispose();

    private void WriteConfiguration(int all, int hosted) => _node.Write("h.yaml", $$"""
        listeners:
          - { url: "http://127.0.0.1:{{all}}", registry: "*" }
          - { url: "http://127.0.0.1:{{hosted}}", registry: private }
        registries:
          private: {}
          hub: { kind: cache, upstream: { url: "https://registry-1.docker.io" } }
          inner: { kind: cache, upstream: { url: "https://mirror.example:8443/inner", namespace: "registry.example:5000" } }
        """);

    [Fact]
    public async Task Hosts_OfCachesAndHosted_AreAFolderEach()
    {
        WriteConfiguration(5001, 5050);
        var (exitCode, output, errors) = await RunAsync("containerd", "hosts", "--config", "h.yaml", "--server", "10.0.0.5", "--name", "private=forge.example", "--output", "certs.d");
        errors.ShouldBeEmpty();
        exitCode.ShouldBe(0, output);
        Directory.GetDirectories(_node.Certs).Select(Path.GetFileName).Order(StringComparer.Ordinal)
            .ShouldBe(["10.0.0.5:5050", "docker.io", "forge.example", "forge.example:5050", "registry.example:5000"]);
        Read("docker.io").ShouldBe("server = \"https://registry-1.docker.io\"\n\n[host.\"http://10.0.0.5:5001\"]\n  capabilities = [\"pull\", \"resolve\"]\n");
        // The path goes before the names, not before the protocol's own /v2.
        Read("registry.example:5000").ShouldStartWith("server = \"https://mirror.example:8443/v2/inner\"\noverride_path = true\n");
        Read("forge.example").ShouldBe("server = \"http://10.0.0.5:5050\"\n\n[host.\"http://10.0.0.5:5050\"]\n  capabilities = [\"pull\", \"resolve\", \"push\"]\n");
    }

    [Fact]
    public async Task Hosts_OverTls_NameTheAuthorityWhereItIsHttpsOnly()
    {
        WriteConfiguration(5001, 5050);
        await RunAsync("containerd", "hosts", "--config", "h.yaml", "--server", "10.0.0.5", "--server", "private=https://registry.example", "--ca", "/etc/ca.pem", "--output", "certs.d");
        Read("registry.example").ShouldBe("server = \"https://registry.example\"\nca = \"/etc/ca.pem\"\n\n[host.\"https://registry.example\"]\n  capabilities = [\"pull\", \"resolve\", \"push\"]\n  ca = \"/etc/ca.pem\"\n");
        Read("registry.example:443").ShouldBe(Read("registry.example"));
        Read("docker.io").ShouldNotContain("ca =");
    }

    [Fact]
    public async Task Hosts_OverAForeignFile_LeavesItUnlessForced()
    {
        WriteConfiguration(5001, 5050);
        string[] command = ["containerd", "hosts", "--config", "h.yaml", "--output", "certs.d", "--server"];
        (await RunAsync([.. command, "10.0.0.5"])).ExitCode.ShouldBe(0);
        var ours = File.ReadAllText(Path.Combine(_node.Certs, "docker.io", "hosts.toml"));
        // What is ours follows; what somebody changed stays.
        var (exitCode, output, _) = await RunAsync([.. command, "10.0.0.6"]);
        exitCode.ShouldBe(0, output);
        output.ShouldContain("docker.io/hosts.toml: written (hub)\n");
        output.ShouldContain("10.0.0.5:5050/hosts.toml: left as it is: written by this command, and of no registry here any more");
        File.WriteAllText(Path.Combine(_node.Certs, "docker.io", "hosts.toml"), ours + "# mine\n");
        (exitCode, output, _) = await RunAsync([.. command, "10.0.0.7", "--json"]);
        exitCode.ShouldBe(1, output);
        using var json = JsonDocument.Parse(output);
        json.RootElement.GetProperty("files").EnumerateArray().Single(f => f.GetProperty("path").GetString() == "docker.io/hosts.toml").GetProperty("outcome").GetString().ShouldBe("foreign");
        Read("docker.io").ShouldEndWith("# mine\n");
        (await RunAsync([.. command, "10.0.0.7", "--force"])).ExitCode.ShouldBe(0);
        Read("docker.io").ShouldContain("10.0.0.7");
    }

    [Fact]
    public async Task Hosts_DryRun_WritesNothing()
    {
        WriteConfiguration(5001, 5050);
        var (exitCode, output, _) = await RunAsync("containerd", "hosts", "--config", "h.yaml", "--server", "10.0.0.5", "--output", "certs.d", "--dry-run");
        exitCode.ShouldBe(0);
        output.ShouldContain("docker.io/hosts.toml: would be written (hub):\n");
        Directory.Exists(_node.Certs).ShouldBeFalse();
    }

    [Theory]
    [InlineData("--server 10.0.0.5:5000", "--server 10.0.0.5:5000: has a port, and each listener has its own; leave it out, or say whose it is: NAME=http://10.0.0.5:5000")]
    [InlineData("--server 10.0.0.5 --server 10.0.0.6", "--server 10.0.0.6: there is 10.0.0.5 already; say NAME=URL for a registry that is reached otherwise")]
    [InlineData("--server hubb=http://10.0.0.5", "no registry 'hubb' is served here; there are private, hub, inner")]
    [InlineData("--name private", "--name private: write REGISTRY=HOST, the registry as the configuration calls it and the name as images do")]
    [InlineData("--name private=docker.io", "docker.io is what both private and hub are called; nodes can be sent to one of them only: leave one out of the listeners, or give it another namespace")]
    public async Task Hosts_OfWhatCannotBe_SaysSoAndWritesNothing(string options, string expected)
    {
        WriteConfiguration(5001, 5050);
        var (exitCode, _, errors) = await RunAsync(["containerd", "hosts", "--config", "h.yaml", "--output", "certs.d", .. options.Split(' ')]);
        exitCode.ShouldBe(2);
        errors.ShouldBe($"holdfast containerd hosts: {expected}\n");
        Directory.Exists(_node.Certs).ShouldBeFalse();
    }

    [Fact]
    public async Task Check_OfWhatHostsWrote_IsFineWhileTheServerRunsAndSaysWhatIsDead()
    {
        var (all, hosted) = (FreePorts.Take(), FreePorts.Take());
        WriteConfiguration(all, hosted);
        (await RunAsync("containerd", "hosts", "--config", "h.yaml", "--output", "certs.d")).ExitCode.ShouldBe(0);
        _node.Write("config.toml", "version = 2\n[plugins.\"io.containerd.grpc.v1.cri\".registry]\nconfig_path = \"$/certs.d\"\n");
        await using (await RunningServer.StartAsync(_node.Path, ["--config", "h.yaml", "--data", "data"], listeners: 2))
        {
            var (fine, output, errors) = await RunAsync("containerd", "check", "--config", "config.toml");
            fine.ShouldBe(0, output + errors);
            output.ShouldContain($"docker.io: http://127.0.0.1:{all}, then https://registry-1.docker.io\n");
            // The mirror is there, and not one for this registry.
            _node.Write("certs.d/quay.io/hosts.toml", $"server = \"https://quay.io\"\n[host.\"http://127.0.0.1:{all}\"]\n");
            (_, output, _) = await RunAsync("containerd", "check", "--config", "config.toml");
            output.ShouldContain($"which is asked for quay.io, answers 404 at /v2/: nothing is cached here of the registry that ?ns= names; there are caches of docker.io, registry.example:5000\n");
        }

        var (exitCode, dead, _) = await RunAsync("containerd", "check", "--config", "config.toml", "--json");
        exitCode.ShouldBe(1);
        using var json = JsonDocument.Parse(dead);
        json.RootElement.GetProperty("findings").EnumerateArray().Select(f => f.GetProperty("code").GetString()).ShouldAllBe(code => code == "deadMirror");
        json.RootElement.GetProperty("findings").GetArrayLength().ShouldBe(4);
        (await RunAsync("containerd", "check", "--config", "config.toml", "--offline")).ExitCode.ShouldBe(0);
    }

    [Fact]
    public async Task PullSecret_OfAUser_IsWhatKubernetesReads()
    {
        var (exitCode, output, _) = await HoldfastProcess.RunWithInputAsync(
            _node.Path, "s3cret\n", "kubernetes", "pull-secret", "--server", "registry.example:5050", "--username", "ci", "--password-stdin", "--namespace", "apps");
        exitCode.ShouldBe(0);
        output.ShouldStartWith("apiVersion: v1\nkind: Secret\nmetadata:\n  name: \"holdfast-pull\"\n  namespace: \"apps\"\ntype: kubernetes.io/dockerconfigjson\ndata:\n  .dockerconfigjson: ");
        output.ShouldEndWith("\n");
        output.ShouldNotContain("s3cret");
        using var config = JsonDocument.Parse(Convert.FromBase64String(output.TrimEnd().Split(' ')[^1]));
        var entry = config.RootElement.GetProperty("auths").GetProperty("registry.example:5050");
        Encoding.UTF8.GetString(entry.GetProperty("auth").GetBytesFromBase64()).ShouldBe("ci:s3cret");
    }

    [Theory]
    [InlineData("https://registry.example", "ci", "x", "--server: 'https://registry.example' is a URL; write its host alone, such as ghcr.io")]
    [InlineData("registry.example", "c:i", "x", "--username: 'c:i' is no user's name: it is not empty and has no colon")]
    [InlineData("registry.example", "ci", "X", "--name: 'X' is not a Secret's name; use a-z, 0-9, - and ., beginning and ending with a letter or digit")]
    public async Task PullSecret_OfWhatCannotBe_SaysSo(string server, string user, string name, string expected)
    {
        var (exitCode, output, errors) = await HoldfastProcess.RunWithInputAsync(
            _node.Path, "s3cret", "kubernetes", "pull-secret", "--server", server, "--username", user, "--name", name, "--password-stdin");
        (exitCode, output, errors).ShouldBe((2, "", $"holdfast kubernetes pull-secret: {expected}\n"));
    }

    private Task<(int ExitCode, string Output, string Errors)> RunAsync(params string[] arguments) => HoldfastProcess.RunAsync(_node.Path, arguments);

    // Without the line that says whose it is.
    private string Read(string name)
    {
        var text = File.ReadAllText(Path.Combine(_node.Certs, name, "hosts.toml"));
        return text[(text.IndexOf('\n', StringComparison.Ordinal) + 1)..];
    }
}
