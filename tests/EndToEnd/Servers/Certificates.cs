using EndToEnd.Processes;

namespace EndToEnd.Servers;

/// <summary>A certificate authority and a certificate for loopback, made by openssl for one run.</summary>
/// <param name="Authority">Alone in its folder, since clients read all files of that folder.</param>
internal sealed record Certificates(string Authority, string Certificate, string Key)
{
    public static async Task<Certificates> CreateAsync(Lab lab, CancellationToken token)
    {
        Require.Programs("openssl");
        var folder = lab.NewFolder("tls");
        var authority = Path.Combine(Directory.CreateDirectory(Path.Combine(folder, "trust")).FullName, "ca.crt");
        await new ToolCall("openssl", New($"{folder}/ca.key", authority, "/CN=Holdfast test authority")).OutputAsync(token);
        await new ToolCall(
            "openssl",
            [
                .. New($"{folder}/tls.key", $"{folder}/tls.crt", "/CN=localhost"), "-CA", authority, "-CAkey", $"{folder}/ca.key",
                "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-addext", "basicConstraints=critical,CA:FALSE",
                "-addext", "extendedKeyUsage=serverAuth",
            ]).OutputAsync(token);
        return new Certificates(authority, $"{folder}/tls.crt", $"{folder}/tls.key");
    }

    private static string[] New(string key, string certificate, string subject) =>
        ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-keyout", key, "-out", certificate, "-subj", subject];
}
