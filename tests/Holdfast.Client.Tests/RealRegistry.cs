using System.Net.Http.Headers;
using System.Text;
using Holdfast.Oci;
using Holdfast.Server;
using Holdfast.Server.Auth;
using Holdfast.Server.Http;
using Holdfast.Storage;
using Holdfast.Storage.FileSystem;
using Holdfast.Storage.Sqlite;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace Holdfast.Client.Tests;

/// <summary>Our own server with a registry of each kind of access, all of them with the same content in the same repository.</summary>
public sealed class RealRegistry : IAsyncLifetime
{
    private static readonly string[] Kinds = ["open", "basic", "bearer", "anonymous"];

    public const int MoreThanAPage = 1_200;

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("holdfast-test-");
    private DataFolder _data = null!;
    private FileSystemBlobStore _blobs = null!;
    private SqliteMetadataDatabase _metadata = null!;
    private RegistryServer _server = null!;

    public byte[] Layer { get; } = Samples.Bytes(1, 300_000);

    public byte[] Image { get; private set; } = null!;

    public Uri Address(string kind) => _server.Addresses[Array.IndexOf(Kinds, kind)];

    public async ValueTask InitializeAsync()
    {
        var htpasswd = Path.Combine(_folder.FullName, "htpasswd");
        await File.WriteAllTextAsync(htpasswd, $"{Samples.User}:{Samples.PasswordHash}\n");
        var auth = new AuthOptions { HtpasswdFile = htpasswd };
        var options = new ServerOptions
        {
            Listeners = [.. Kinds.Select(kind => new ListenerOptions { Url = new Uri("http://127.0.0.1:0"), Registry = kind })],
            Registries =
            [
                new RegistryOptions { Name = "open" },
                new RegistryOptions { Name = "basic", Auth = auth },
                new RegistryOptions { Name = "bearer", Auth = auth with { Token = new TokenOptions() } },
                // Nobody may pull without a token, but everybody gets one.
                new RegistryOptions { Name = "anonymous", Auth = auth with { Anonymous = RegistryActions.Pull, Token = new TokenOptions() } },
            ],
            DiskReserveBytes = 0,
            AccessLog = new AccessLogOptions { Enabled = false },
        };
        _data = DataFolder.Open(Path.Combine(_folder.FullName, "data"));
        _blobs = new FileSystemBlobStore(_data, TimeProvider.System);
        _metadata = SqliteMetadataDatabase.Open(_data.DatabaseFile);
        _server = await RegistryServer.StartAsync(
            options, new ContentStores(_blobs, _metadata), NullLoggerFactory.Instance, TimeProvider.System, CancellationToken.None);
        foreach (var kind in Kinds)
            await FillAsync(Address(kind));
    }

    public async ValueTask DisposeAsync()
    {
        await _server.StopAsync();
        await _server.DisposeAsync();
        await _metadata.DisposeAsync();
        await _blobs.DisposeAsync();
        _data.Dispose();
        _folder.Delete(recursive: true);
    }

    private async Task FillAsync(Uri address)
    {
        using var http = new HttpClient { BaseAddress = address };
        http.DefaultRequestHeaders.Add("Authorization", Samples.Basic);
        var config = "{}"u8.ToArray();
        foreach (var blob in new[] { config, Layer })
        {
            using var pushed = await http.PostAsync($"/v2/team/app/blobs/uploads/?digest={Samples.DigestOf(blob)}", new ByteArrayContent(blob));
            pushed.EnsureSuccessStatusCode();
        }
        Image = Encoding.UTF8.GetBytes(
            $$"""
            {"schemaVersion":2,"mediaType":"{{MediaTypes.OciManifest}}",
            "config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"{{Samples.DigestOf(config)}}","size":{{config.Length}}},
            "layers":[{"mediaType":"application/vnd.oci.image.layer.v1.tar","digest":"{{Samples.DigestOf(Layer)}}","size":{{Layer.Length}}}]}
            """);
        // One registry has more tags than fit into a page; our server takes several with one push.
        var tags = address == Address("bearer") ? Enumerable.Range(0, MoreThanAPage).Select(i => $"v{i:D4}").Prepend("latest") : ["latest"];
        foreach (var some in tags.Chunk(10))
        {
            var body = new ByteArrayContent(Image) { Headers = { ContentType = new MediaTypeHeaderValue(MediaTypes.OciManifest) } };
            using var put = await http.PutAsync($"/v2/team/app/manifests/{Samples.DigestOf(Image)}?tag={string.Join("&tag=", some)}", body);
            put.EnsureSuccessStatusCode();
        }
    }
}
