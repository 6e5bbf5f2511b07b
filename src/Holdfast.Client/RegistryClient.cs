using System.Net;
using System.Text.Json;
using Holdfast.Oci;

namespace Holdfast.Client;

/// <summary>Reads from one registry of any make (dist-spec v1.1.1, "Pull" and "Content Discovery"). What is expected to go wrong is an outcome.</summary>
public sealed class RegistryClient : IDisposable
{
    private const int MaxListed = 200_000;
    private const int MaxReferrers = 10_000;
    private const int ListedPerPage = 1_000;

    private static readonly string[] ManifestTypes =
        [MediaTypes.OciManifest, MediaTypes.OciIndex, MediaTypes.DockerManifest, MediaTypes.DockerManifestList];

    private readonly Wire _wire;
    private readonly RegistryExchange _exchange;
    private readonly string _prefix;

    /// <exception cref="ArgumentException">The registry's address or the user name can't be used.</exception>
    /// <exception cref="InvalidDataException">The trust file holds no certificate.</exception>
    /// <exception cref="IOException">The trust file can't be read.</exception>
    public RegistryClient(RegistryClientOptions options)
    {
        _prefix = PrefixOf(options.Registry);
        if (options.Username?.Contains(':', StringComparison.Ordinal) == true)
            throw new ArgumentException("a user name can't hold a colon", nameof(options));
        _wire = new Wire(options);
        var authorizer = new Authorizer(_wire);
        _exchange = new RegistryExchange(_wire, authorizer);
        Admission = new Admission(_exchange, authorizer, _prefix);
    }

    /// <summary>For requests that something else sends.</summary>
    public Admission Admission { get; }

    /// <summary>HEAD of a blob (end-2). That it is found says nothing about its bytes.</summary>
    public async ValueTask<RegistryAnswer<RemoteBlobSize>> HeadBlobAsync(RepositoryName repository, Digest digest, CancellationToken token)
    {
        var reply = await AskAsync(HttpMethod.Head, repository, $"blobs/{digest}", [], token);
        if (reply.Response is not { } response)
            return new(reply.Failure!);
        using (response)
            return new(new RemoteBlobSize(response.Content.Headers.ContentLength));
    }

    /// <summary>GET of a blob (end-2), as a stream that heals its connection and hashes nothing. The caller disposes it.</summary>
    public ValueTask<RegistryAnswer<RemoteBlob>> OpenBlobAsync(RepositoryName repository, Digest digest, CancellationToken token) =>
        OpenBlobAsync(repository, digest, 0, token);

    /// <summary>GET of a blob (end-2) from a byte on, also from a registry without ranges.</summary>
    /// <param name="fromBytes">How many bytes the caller has; the stream goes on after them.</param>
    public ValueTask<RegistryAnswer<RemoteBlob>> OpenBlobAsync(RepositoryName repository, Digest digest, long fromBytes, CancellationToken token) =>
        ResumingStream.OpenAsync(_exchange, AskOf(HttpMethod.Get, repository, $"blobs/{digest}", []), ScopeOf(repository), fromBytes, token);

    /// <summary>Receives a blob and hashes it on the way.</summary>
    /// <param name="sizeBytes">How many there must be; null if that isn't known.</param>
    /// <param name="sink">Gets the bytes in order, before it is known that they are right: only the answer says that. What it throws is thrown on.</param>
    /// <returns>The bytes received; <see cref="RegistryOutcome.Mismatch"/> if they were others.</returns>
    public async ValueTask<RegistryAnswer<long>> DownloadBlobAsync(
        RepositoryName repository, Digest digest, long? sizeBytes, Func<ReadOnlyMemory<byte>, ValueTask> sink, CancellationToken token)
    {
        var opened = await OpenBlobAsync(repository, digest, token);
        if (!opened.TryGet(out var blob, out var failure))
            return new(failure);
        await using (blob)
            return await BlobTransfer.RunAsync(blob, digest, sizeBytes, sink, token);
    }

    /// <summary>GET of a manifest (end-3), its bytes compared with the digest that was asked for or that the registry states.</summary>
    public async ValueTask<RegistryAnswer<RemoteManifest>> GetManifestAsync(RepositoryName repository, Reference reference, CancellationToken token)
    {
        var reply = await AskAsync(HttpMethod.Get, repository, $"manifests/{reference}", ManifestTypes, token);
        if (reply.Response is not { } response)
            return new(reply.Failure!);
        using (response)
        {
            if (Failures.OfPage(response) is { } page)
                return new(page);
            var body = await BoundedBody.ReadAsync(_wire.Options, response, Manifest.MaxSizeBytes, token);
            if (!body.TryGet(out var payload, out var failure))
                return new(failure);
            var wanted = reference.IsDigest ? reference.Digest : StatedDigest(response);
            var found = Digest.Compute(wanted.IsNone ? DigestAlgorithm.Sha256 : wanted.Algorithm, payload.Span);
            if (!wanted.IsNone && wanted != found)
            {
                return new(new RegistryFailure(RegistryOutcome.Mismatch, $"the {payload.Length} bytes that were sent for manifest {wanted} are those of {found}")
                {
                    Status = 200,
                    ReceivedBytes = payload.Length,
                    Found = found,
                });
            }
            return new(new RemoteManifest(found, response.Content.Headers.ContentType?.MediaType ?? "", payload));
        }
    }

    /// <summary>HEAD of a manifest (end-2, end-3): what the registry says that it is, its bytes unseen.</summary>
    public async ValueTask<RegistryAnswer<RemoteManifestHead>> HeadManifestAsync(RepositoryName repository, Reference reference, CancellationToken token)
    {
        var reply = await AskAsync(HttpMethod.Head, repository, $"manifests/{reference}", ManifestTypes, token);
        if (reply.Response is not { } response)
            return new(reply.Failure!);
        using (response)
        {
            return Failures.OfPage(response) is { } page
                ? new(page)
                : new(new RemoteManifestHead(StatedDigest(response), response.Content.Headers.ContentLength, response.Content.Headers.ContentType?.MediaType ?? ""));
        }
    }

    /// <summary>All tags of a repository (end-8b), page after page.</summary>
    public ValueTask<RegistryAnswer<IReadOnlyList<Tag>>> ListTagsAsync(RepositoryName repository, CancellationToken token) =>
        new PagedList<Tag>(_exchange, new("tags", "tag", static (JsonElement element, out Tag tag) => Tag.TryParse(TextOf(element), out tag)), MaxListed)
            .ReadAsync(AskOf(HttpMethod.Get, repository, $"tags/list?n={ListedPerPage}", ["application/json"]), ScopeOf(repository), token);

    /// <summary>All repositories of the registry, page after page (Docker's <c>_catalog</c>, which the dist-spec leaves to registries).</summary>
    public ValueTask<RegistryAnswer<IReadOnlyList<RepositoryName>>> ListRepositoriesAsync(CancellationToken token) =>
        new PagedList<RepositoryName>(_exchange, new("repositories", "repository name", ReadName), MaxListed)
            .ReadAsync(new Ask(HttpMethod.Get, new Uri(_wire.Options.Registry, $"/v2/_catalog?n={ListedPerPage}")) { Accept = ["application/json"] }, "registry:catalog:*", token);

    /// <summary>What names a manifest as its subject (end-12). <see cref="RegistryOutcome.Unknown"/>: the registry has no such list.</summary>
    public ValueTask<RegistryAnswer<IReadOnlyList<RemoteReferrer>>> ListReferrersAsync(RepositoryName repository, Digest digest, CancellationToken token) =>
        new PagedList<RemoteReferrer>(_exchange, new("manifests", "referrer", RemoteReferrer.TryRead), MaxReferrers)
            .ReadAsync(AskOf(HttpMethod.Get, repository, $"referrers/{digest}", [MediaTypes.OciIndex]), ScopeOf(repository), token);

    /// <summary>The same, with the descriptors as the registry wrote them.</summary>
    public ValueTask<RegistryAnswer<IReadOnlyList<RawReferrer>>> ListRawReferrersAsync(RepositoryName repository, Digest digest, CancellationToken token) =>
        new PagedList<RawReferrer>(_exchange, new("manifests", "referrer", RawReferrer.TryRead), MaxReferrers)
            .ReadAsync(AskOf(HttpMethod.Get, repository, $"referrers/{digest}", [MediaTypes.OciIndex]), ScopeOf(repository), token);

    /// <summary>Asks whether a registry answers at this address (end-1), without credentials.</summary>
    /// <returns>The status, be it 401; <see cref="RegistryOutcome.Unusable"/> for something else than a registry.</returns>
    public async ValueTask<RegistryAnswer<int>> PingAsync(CancellationToken token)
    {
        var reply = await _wire.SendAsync(new Ask(HttpMethod.Get, new Uri(_wire.Options.Registry, "/v2/")), token);
        if (reply.Response is not { } response)
            return new(reply.Failure!);
        using (response)
        {
            // A 401 may well bring a page for people along.
            var page = response.StatusCode == HttpStatusCode.OK ? Failures.OfPage(response) : null;
            return page is null && (int)response.StatusCode is 200 or 401 or 403 or 429
                ? new((int)response.StatusCode)
                : new(page ?? await Failures.OfStatusAsync(_wire.Options, response, token));
        }
    }

    public void Dispose() => _wire.Dispose();

    private ValueTask<Reply> AskAsync(HttpMethod method, RepositoryName repository, string what, IReadOnlyList<string> accept, CancellationToken token) =>
        _exchange.FindAsync(AskOf(method, repository, what, accept), ScopeOf(repository), token);

    private Ask AskOf(HttpMethod method, RepositoryName repository, string what, IReadOnlyList<string> accept) =>
        new(method, new Uri(_wire.Options.Registry, $"/v2/{_prefix}{repository}/{what}")) { Accept = accept };

    private string ScopeOf(RepositoryName repository) => $"repository:{_prefix}{repository}:pull";

    private static string? TextOf(JsonElement element) => element.ValueKind == JsonValueKind.String ? element.GetString() : null;

    private static bool ReadName(JsonElement element, out RepositoryName name) => RepositoryName.TryParse(TextOf(element), out name);

    private static Digest StatedDigest(HttpResponseMessage response) =>
        response.Headers.NonValidated.TryGetValues("Docker-Content-Digest", out var values) && Digest.TryParse(values.ToString(), out var digest)
            ? digest
            : default;

    private static string PrefixOf(Uri registry)
    {
        if (!registry.IsAbsoluteUri || registry.Scheme is not ("http" or "https"))
            throw new ArgumentException($"'{registry}' is no http or https address of a registry", nameof(registry));
        if (registry.UserInfo.Length > 0)
            throw new ArgumentException($"the registry's address at {registry.Authority} holds a user name; user name and password have settings of their own", nameof(registry));
        if (registry.Query.Length > 0 || registry.Fragment.Length > 0)
            throw new ArgumentException($"'{registry}' has more than scheme, host, port and path", nameof(registry));
        var path = registry.AbsolutePath.Trim('/');
        if (path.Length > 0 && !RepositoryName.TryParse(path, out _))
            throw new ArgumentException($"'/{path}' can't be put before repository names", nameof(registry));
        return path.Length > 0 ? path + "/" : "";
    }
}
