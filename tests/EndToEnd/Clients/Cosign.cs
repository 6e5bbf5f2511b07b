using EndToEnd.Processes;
using EndToEnd.Servers;

namespace EndToEnd.Clients;

/// <summary>cosign with keys on the disk and no transparency log, so that it talks to the registry only.</summary>
internal sealed class Cosign(Lab lab)
{
    private readonly Dictionary<string, string> _environment = new() { ["COSIGN_PASSWORD"] = "loopback", ["HOME"] = lab.NewFolder("cosign") };

    /// <returns>The folder that holds cosign.key and cosign.pub.</returns>
    public async Task<string> NewKeyAsync(CancellationToken token)
    {
        var folder = lab.NewFolder("key");
        await new ToolCall("cosign", "generate-key-pair") { Directory = folder, Environment = _environment }.OutputAsync(token);
        return folder;
    }

    public Task<string> SignAsync(Endpoint endpoint, string image, string key, CancellationToken token) =>
        Call(endpoint, [
            "sign", "--yes", "--key", $"{key}/cosign.key", "--tlog-upload=false", "--use-signing-config=false", .. Reach(endpoint), $"{endpoint.Host}/{image}",
        ]).OutputAsync(token);

    public Task<ToolResult> VerifyAsync(Endpoint endpoint, string image, string key, CancellationToken token) =>
        Call(endpoint, ["verify", "--key", $"{key}/cosign.pub", "--insecure-ignore-tlog=true", .. Reach(endpoint), $"{endpoint.Host}/{image}"]).RunAsync(token);

    private static string[] Reach(Endpoint endpoint) => endpoint.IsTls ? [] : ["--allow-insecure-registry", "--allow-http-registry"];

    private ToolCall Call(Endpoint endpoint, IReadOnlyList<string> arguments)
    {
        var environment = new Dictionary<string, string>(_environment) { ["DOCKER_CONFIG"] = DockerConfig.Write(lab, endpoint) };
        if (endpoint.Authority is not null)
        {
            environment["SSL_CERT_FILE"] = endpoint.Authority;
        }

        return new ToolCall("cosign", arguments) { Environment = environment };
    }
}
