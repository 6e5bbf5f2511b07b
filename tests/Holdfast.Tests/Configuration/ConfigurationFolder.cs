using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Holdfast.Configuration;

namespace Holdfast.Tests.Configuration;

/// <summary>A folder with an htpasswd file (ci, viewer), a password, certificate and key (tls.pem, tls.key), a later pair (new.pem, new.key) and what doesn't fit (other.key, old.pem with old.key).</summary>
public sealed class ConfigurationFolder : IDisposable
{
    public ConfigurationFolder()
    {
        Path = Directory.CreateTempSubdirectory("holdfast-config-").FullName;
        Write("users", "# comment\nci:$2y$04$cIoLtOanB8h9xc.ehjQzZOL.jv.aciqoyQ/4EErvzOqXct6PgeSVG\nviewer:$2y$04$cIoLtOanB8h9xc.ehjQzZOL.jv.aciqoyQ/4EErvzOqXct6PgeSVG\n");
        Write("password", "secret\n");
        WritePair("tls", DateTimeOffset.UtcNow.AddDays(90));
        WritePair("new", DateTimeOffset.UtcNow.AddDays(90));
        WritePair("other", DateTimeOffset.UtcNow.AddDays(90));
        WritePair("old", DateTimeOffset.UtcNow.AddDays(-1));
    }

    public string Path { get; }

    public string Write(string name, string text)
    {
        var file = System.IO.Path.Combine(Path, name);
        File.WriteAllText(file, text);
        return file;
    }

    internal LoadResult Load(string yaml, ConfigurationArguments? arguments = null, params (string Name, string Value)[] environment) =>
        Loader(environment).LoadText(yaml, "h.yaml", arguments ?? new ConfigurationArguments());

    internal LoadResult LoadWithoutFile(ConfigurationArguments? arguments = null, params (string Name, string Value)[] environment) =>
        Loader(environment).Load(arguments ?? new ConfigurationArguments());

    internal static string[] Lines(LoadResult result) => [.. result.Problems.Select(p => p.ToString())];

    public void Dispose() => Directory.Delete(Path, recursive: true);

    private ConfigurationLoader Loader((string Name, string Value)[] environment) =>
        new(environment.ToDictionary(e => e.Name, e => e.Value, StringComparer.Ordinal), Path, TimeProvider.System);

    private void WritePair(string name, DateTimeOffset until)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=holdfast", key, HashAlgorithmName.SHA256);
        using var certificate = request.CreateSelfSigned(until.AddDays(-100), until);
        Write($"{name}.pem", certificate.ExportCertificatePem());
        Write($"{name}.key", key.ExportPkcs8PrivateKeyPem());
    }
}
