using EndToEnd.Processes;

namespace EndToEnd.Servers;

/// <summary>Debian's docker-registry, one process per mode; it has no token endpoint, so those modes are skipped.</summary>
internal sealed class PeerProcess : Deployment
{
    private static readonly Mode[] Modes = [Mode.Plain, Mode.Tls, Mode.Basic];
    private readonly Dictionary<Mode, (Endpoint Endpoint, Daemon Daemon)> _processes = [];

    public static async Task<PeerProcess> StartPeerAsync(Lab lab, CancellationToken token)
    {
        Require.Programs("docker-registry");
        var peer = new PeerProcess();
        var tls = await Certificates.CreateAsync(lab, token);
        var users = await Htpasswd.WriteAsync(lab, User, token);
        foreach (var mode in Modes)
        {
            var endpoint = new Endpoint(mode, $"127.0.0.1:{FreePorts.Take()}", IsTls(mode) ? tls.Authority : null, CredentialsFor(mode));
            var folder = lab.NewFolder("peer");
            var configuration = Path.Combine(folder, "config.yml");
            await File.WriteAllTextAsync(
                configuration,
                $$"""
                version: 0.1
                storage: { filesystem: { rootdirectory: "{{folder}}/data" }, delete: { enabled: true } }
                http: { addr: "{{endpoint.Host}}", secret: loopback{{(endpoint.IsTls ? $", tls: {{ certificate: {tls.Certificate}, key: {tls.Key} }}" : "")}} }
                {{(endpoint.Credentials is null ? "" : $"auth: {{ htpasswd: {{ realm: peer, path: {users} }} }}")}}
                """,
                token);
            var daemon = Daemon.Start(lab, Path.Combine(folder, "log"), new ToolCall("docker-registry", "serve", configuration));
            using var raw = new RawRegistry(endpoint);
            await daemon.WaitUntilAsync(raw.AnswersAsync, TimeSpan.FromSeconds(10), token);
            peer._processes[mode] = (endpoint, daemon);
        }

        return peer;
    }

    public override bool Has(Mode mode) => Modes.Contains(mode);

    public override Endpoint For(Mode mode)
    {
        if (!_processes.TryGetValue(mode, out var process))
        {
            Assert.Skip($"docker-registry has no {mode} mode");
        }

        return process.Endpoint;
    }

    public override async ValueTask DisposeAsync()
    {
        foreach (var (_, daemon) in _processes.Values)
        {
            await daemon.DisposeAsync();
        }
    }
}
