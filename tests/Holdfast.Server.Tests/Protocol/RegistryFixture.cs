using System.Net;
using System.Net.Http.Headers;
using Holdfast.Oci;
using Holdfast.Server.Http;
using Holdfast.Server.Tests.Admin;
using Holdfast.Storage;
using Holdfast.Storage.Blobs;
using Holdfast.Storage.FileSystem;
using Holdfast.Storage.Sqlite;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Shouldly;
using Xunit;

namespace Holdfast.Server.Tests.Protocol;

/// <summary>A real server in this process, on a free loopback port and a temporary data folder, and a plain client for it.</summary>
public sealed class RegistryFixture : IAsyncLifetime
{
    private readonly string _folder = Directory.CreateTempSubdirectory("holdfast-test-").FullName;
    private DataFolder? _data;
    private IBlobStore? _blobs;
    private SqliteMetadataDatabase? _metadata;
    private RegistryServer? _server;

    public HttpClient Http { get; private set; } = null!;

    /// <summary>Speaks to the administration's socket.</summary>
    public HttpClient Admin { get; private set; } = null!;

    public string AdminSocket => Path.Combine(_folder, "admin.sock");

    public Uri Address => _server!.Addresses[0];

    public IReadOnlyList<Uri> Addresses => _server!.Addresses;

    public string DataPath => _folder;

    public ILoggerFactory Logs { get; init; } = NullLoggerFactory.Instance;

    public ServerOptions Options { get; set; } = new()
    {
        Listeners = [new ListenerOptions { Url = new Uri("http://127.0.0.1:0"), Registry = "test" }],
        Registries = [new RegistryOptions { Name = "test" }],
        DiskReserveBytes = 0,
        AccessLog = new AccessLogOptions { Enabled = false },
    };

    /// <summary>Puts something between the server and its blobs.</summary>
    public Func<IBlobStore, IBlobStore> Wrap { get; init; } = static store => store;

    public TimeProvider Time { get; set; } = TimeProvider.System;

    public ValueTask InitializeAsync() => StartAsync();

    public async ValueTask StartAsync()
    {
        _data = DataFolder.Open(_folder);
        try
        {
            await OpenAsync(_data);
        }
        catch
        {
            _data.Dispose();
            throw;
        }
    }

    private async Task OpenAsync(DataFolder data)
    {
        _blobs = Wrap(new FileSystemBlobStore(data, TimeProvider.System));
        (_metadata, _) = await SqliteMetadataDatabase.OpenAsync(data, _blobs, TimeProvider.System, CancellationToken.None);
        _server = await RegistryServer.StartAsync(
            Options with { AdminSocket = AdminSocket }, new ContentStores(_blobs, _metadata), Logs, Time, CancellationToken.None);
        Admin = AdminHost.ClientOf(AdminSocket);
        Http = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false }) { BaseAddress = Address };
    }

    /// <summary>The first column of the one row that a query of the database answers.</summary>
    public ValueTask<long> CountAsync(string sql) =>
        _metadata!.ReadAsync(sql, static (session, sql) => session.Prepare(sql).QueryLong() ?? 0, CancellationToken.None);

    /// <summary>Changes the database behind the server's back.</summary>
    public Task<bool> ChangeAsync(string sql) => _metadata!.WriteAsync(
        sql,
        static (session, sql) =>
        {
            session.Execute(sql);
            return true;
        },
        CancellationToken.None);

    /// <summary>Stops everything and keeps the folder.</summary>
    public async ValueTask StopAsync()
    {
        Http.Dispose();
        Admin.Dispose();
        await _server!.StopAsync();
        await _server.DisposeAsync();
        await _metadata!.DisposeAsync();
        await _blobs!.DisposeAsync();
        _data!.Dispose();
    }

    public async ValueTask RestartAsync()
    {
        await StopAsync();
        await StartAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        Directory.Delete(_folder, recursive: true);
    }

    public string BlobFile(Digest digest) =>
        Path.Combine(_folder, "blobs", digest.Algorithm.Name(), digest.Hex[..2].ToString(), digest.Hex.ToString());

    /// <summary>Every file of the blob store, and how many rows there are, to show that nothing was stored.</summary>
    public string[] StoredFiles() =>
        [.. new[] { "blobs", "uploads" }.SelectMany(d => Directory.GetFiles(Path.Combine(_folder, d), "*", SearchOption.AllDirectories)).Where(static file => Path.GetFileName(file) != "store-id").Order()];

    public Task<HttpResponseMessage> SendAsync(HttpMethod method, string path, HttpContent? content = null, params (string Name, string Value)[] headers)
    {
        var request = new HttpRequestMessage(method, new Uri(Address, path)) { Content = content };
        foreach (var (name, value) in headers)
        {
            if (!request.Headers.TryAddWithoutValidation(name, value))
                content!.Headers.TryAddWithoutValidation(name, value);
        }
        return Http.SendAsync(request);
    }

    public Task<HttpResponseMessage> GetAsync(string path, params (string Name, string Value)[] headers) =>
        SendAsync(HttpMethod.Get, path, null, headers);

    public Task<HttpResponseMessage> HeadAsync(string path, params (string Name, string Value)[] headers) =>
        SendAsync(HttpMethod.Head, path, null, headers);

    public Task<HttpResponseMessage> DeleteAsync(string path) => SendAsync(HttpMethod.Delete, path);

    public async Task<Digest> PushBlobAsync(string repository, byte[] content, DigestAlgorithm algorithm = DigestAlgorithm.Sha256)
    {
        var digest = Samples.DigestOf(content, algorithm);
        using var response = await SendAsync(HttpMethod.Post, $"/v2/{repository}/blobs/uploads/?digest={digest}", new ByteArrayContent(content));
        response.StatusCode.ShouldBe(HttpStatusCode.Created);
        return digest;
    }

    public Task<HttpResponseMessage> PutManifestAsync(string repository, string reference, byte[] manifest, string? mediaType = MediaTypes.OciManifest)
    {
        var content = new ByteArrayContent(manifest);
        if (mediaType is not null)
            content.Headers.ContentType = MediaTypeHeaderValue.Parse(mediaType);
        return SendAsync(HttpMethod.Put, $"/v2/{repository}/manifests/{reference}", content);
    }

    public async Task<Digest> PushManifestAsync(string repository, string? reference, byte[] manifest, string? mediaType = MediaTypes.OciManifest)
    {
        var digest = Samples.DigestOf(manifest);
        using var response = await PutManifestAsync(repository, reference ?? digest.ToString(), manifest, mediaType);
        response.StatusCode.ShouldBe(HttpStatusCode.Created, await response.Content.ReadAsStringAsync());
        return digest;
    }

    /// <summary>Pushes an image with one config and one layer of its own and returns the manifest's bytes.</summary>
    public async Task<byte[]> PushImageAsync(string repository, string? tag, int seed)
    {
        var (config, layer) = (Samples.Bytes(seed, 50), Samples.Bytes(seed + 100_000, 500));
        await PushBlobAsync(repository, config);
        await PushBlobAsync(repository, layer);
        var manifest = Samples.Image(config, layer);
        await PushManifestAsync(repository, tag, manifest);
        return manifest;
    }

    /// <summary>Pushes an image with a config that is there, and no layers.</summary>
    public async Task<byte[]> PushImageOfAsync(string repository, string? tag, byte[] config)
    {
        var manifest = Samples.Image(config);
        await PushManifestAsync(repository, tag, manifest);
        return manifest;
    }

    public async Task<string> OpenUploadAsync(string repository, string query = "")
    {
        using var response = await SendAsync(HttpMethod.Post, $"/v2/{repository}/blobs/uploads/{query}");
        response.StatusCode.ShouldBe(HttpStatusCode.Accepted);
        return response.Headers.Location!.ToString();
    }

    public Task<HttpResponseMessage> PatchAsync(string location, byte[] chunk, string? contentRange = null) => contentRange is null
        ? SendAsync(HttpMethod.Patch, location, new ByteArrayContent(chunk))
        : SendAsync(HttpMethod.Patch, location, new ByteArrayContent(chunk), ("Content-Range", contentRange));
}
