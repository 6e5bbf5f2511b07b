using EndToEnd.Clients;
using EndToEnd.Images;
using EndToEnd.Processes;
using EndToEnd.Servers;

namespace EndToEnd.Scenarios;

/// <summary>What `holdfast containerd hosts` writes, read by a real containerd, and what `check` says of it.</summary>
public sealed class NodeTests(Lab lab) : IAsyncDisposable
{
    private readonly string _folder = lab.NewFolder("node");
    private readonly int _all = FreePorts.Take();
    private readonly int _hosted = FreePorts.Take();
    private readonly int _tls = FreePorts.Take();
    private Daemon? _server;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private string Hosts => Path.Combine(_folder, "certs.d");

    [Fact]
    public async Task Pull_OfHostedRegistriesByOtherNames_ReachesThisServer()
    {
        Require.Programs("skopeo", "containerd", "ctr");
        var image = await lab.Images.Busybox;
        var tls = await StartAsync("http://127.0.0.1:1", "upstream.test");
        await WriteHostsAsync("--name", "plain=registry.test", "--name", "tls=secure.test:7443", "--ca", tls.Authority);
        var skopeo = new Skopeo(lab);
        await skopeo.PushAsync(new Endpoint(Mode.Plain, $"127.0.0.1:{_hosted}", null, null), image, "team/app", Token);
        await skopeo.PushAsync(new Endpoint(Mode.Tls, $"127.0.0.1:{_tls}", tls.Authority, null), image, "team/app", Token);
        await using var ctr = new Ctr(lab);
        foreach (var name in new[] { "registry.test", $"registry.test:{_hosted}", $"127.0.0.1:{_hosted}", "secure.test:7443", $"127.0.0.1:{_tls}" })
            (await ctr.PullThroughAsync(Hosts, $"{name}/team/app:{Image.Tag}", Token)).ShouldBe(image.Digest, name);
    }

    /// <summary>
    /// The upstream may be asked second; the cache must be asked first, under the name that it is chosen by. A second node gets the image though the upstream is gone, which only the cache can give.
    /// </summary>
    [Fact]
    public async Task Pull_OfACachedRegistry_AsksTheCacheFirst()
    {
        Require.Programs("skopeo", "containerd", "ctr", "docker-registry");
        var image = await lab.Images.Busybox;
        await using var upstream = await DebianRegistry.StartAsync(lab, Token);
        await new Skopeo(lab).PushAsync(upstream.Endpoint, image, "team/app", Token);
        await StartAsync(upstream.Endpoint.Url.AbsoluteUri, "upstream.test");
        await WriteHostsAsync();
        for (var node = 0; node < 2; node++)
        {
            await using var ctr = new Ctr(lab);
            (await ctr.PullThroughAsync(Hosts, $"upstream.test/team/app:{Image.Tag}", Token)).ShouldBe(image.Digest);
            await upstream.DisposeAsync();
        }
        (await _server!.LogAsync(Token)).ShouldContain($"/v2/team/app/manifests/{Image.Tag}?ns=upstream.test");
    }

    [Fact]
    public async Task Check_OfWhatWasWritten_IsFineUntilTheServerStops()
    {
        var tls = await StartAsync("http://127.0.0.1:1", "upstream.test");
        await WriteHostsAsync("--ca", tls.Authority);
        var config = Path.Combine(_folder, "config.toml");
        await File.WriteAllTextAsync(config, $"version = 2\n[plugins.\"io.containerd.grpc.v1.cri\".registry]\nconfig_path = \"{Hosts}\"\n", Token);
        var check = Call("containerd", "check", "--config", config);
        var fine = await check.RunAsync(Token);
        fine.ExitCode.ShouldBe(0, fine.ToString());
        await _server!.DisposeAsync();
        _server = null;
        var dead = await check.RunAsync(Token);
        dead.ExitCode.ShouldBe(1, dead.ToString());
        dead.Output.ShouldContain("can't be reached: Connection refused");
    }

    public async ValueTask DisposeAsync()
    {
        if (_server is not null)
            await _server.DisposeAsync();
    }

    private async Task<Certificates> StartAsync(string upstream, string name)
    {
        Require.True(File.Exists(HoldfastProcess.Executable), $"{HoldfastProcess.Executable} is not there (./dev build makes it)");
        var tls = await Certificates.CreateAsync(lab, Token);
        await File.WriteAllTextAsync(
            Path.Combine(_folder, "holdfast.yaml"),
            $$"""
            listeners:
              - { url: "http://127.0.0.1:{{_all}}", registry: "*" }
              - { url: "http://127.0.0.1:{{_hosted}}", registry: plain }
              - { url: "https://127.0.0.1:{{_tls}}", registry: tls, tls: { certificate: {{tls.Certificate}}, key: {{tls.Key}} } }
            registries:
              plain: {}
              tls: {}
              cached: { kind: cache, upstream: { url: "{{upstream}}", namespace: {{name}} } }
            disk: { reserve: 64MiB }
            """,
            Token);
        _server = Daemon.Start(lab, Path.Combine(_folder, "log"), new ToolCall(HoldfastProcess.Executable, "serve", "--config", Path.Combine(_folder, "holdfast.yaml")));
        using var raw = new RawRegistry(new Endpoint(Mode.Plain, $"127.0.0.1:{_hosted}", null, null));
        await _server.WaitUntilAsync(raw.AnswersAsync, TimeSpan.FromSeconds(60), Token);
        return tls;
    }

    private Task<string> WriteHostsAsync(params string[] options) =>
        Call(["containerd", "hosts", "--config", Path.Combine(_folder, "holdfast.yaml"), "--output", Hosts, .. options]).OutputAsync(Token);

    // HOLDFAST_EXE is for the tests; to the program it would be a key that its configuration doesn't know.
    private static ToolCall Call(params string[] arguments) => new("env", ["-u", "HOLDFAST_EXE", HoldfastProcess.Executable, .. arguments]);
}
