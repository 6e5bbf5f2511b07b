using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using Holdfast.Oci;
using Holdfast.Server.Incidents;
using Holdfast.Server.Tests.Heal;
using Holdfast.Server.Tests.Protocol;
using Holdfast.Storage.Blobs;
using Holdfast.Testing;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Shouldly;

namespace Holdfast.Server.Tests.Caching;

/// <summary>A registry, a proxy with faults before it, and a server with a cache of it, a hosted registry and a listener for all caches; all real, all in this process.</summary>
internal sealed class CachingLab : IAsyncDisposable
{
    private CachingLab(RegistryFixture origin, FaultProxy proxy, RegistryFixture server, RunningTime time, string name) =>
        (Origin, Proxy, Server, Time, Name) = (origin, proxy, server, time, name);

    public const string Repository = "team/app";

    /// <summary>Where images are pushed.</summary>
    public RegistryFixture Origin { get; }

    public FaultProxy Proxy { get; }

    /// <summary>Its first listener is the cache's, the second a hosted registry's, the third that of every cache.</summary>
    public RegistryFixture Server { get; }

    public RunningTime Time { get; }

    /// <summary>Of the cache; another one for each lab, since metrics are the process's.</summary>
    public string Name { get; }

    public HttpClient Http => Server.Http;

    public static async Task<CachingLab> StartAsync(LabPlan? plan = null)
    {
        plan ??= new LabPlan();
        var origin = new RegistryFixture();
        origin.Options = plan.Origin(origin.Options);
        await origin.StartAsync();
        var proxy = FaultProxy.Start(origin.Address);
        var time = new RunningTime();
        var name = $"cache-{Guid.NewGuid():n}"[..18];
        var server = new RegistryFixture { Time = time, Wrap = plan.Wrap, Logs = plan.Logs };
        var cache = plan.Cache(new CacheOptions { Upstream = new UpstreamOptions { Urls = [proxy.Address], Namespace = plan.Namespace, Insecure = true } });
        server.Options = plan.Server(server.Options with
        {
            Listeners = [Listener(name), Listener("own"), Listener(ListenerOptions.EveryCache)],
            Registries = [new RegistryOptions { Name = "own" }, new RegistryOptions { Name = name, Cache = cache }],
            Collection = new CollectionOptions { MaxReviewsPerSecond = int.MaxValue },
        });
        await server.StartAsync();
        return new CachingLab(origin, proxy, server, time, name);
    }

    public static ListenerOptions Listener(string registry) => new() { Url = new Uri("http://127.0.0.1:0"), Registry = registry };

    /// <summary>Pushes an image to the upstream: a config, and layers of these sizes.</summary>
    public async Task<LabImage> PushAsync(string tag, int seed, params int[] layers)
    {
        var image = LabImage.Create(seed, layers);
        foreach (var blob in image.Blobs)
            await Origin.PushBlobAsync(Repository, blob);
        await Origin.PushManifestAsync(Repository, tag, image.Manifest);
        return image;
    }

    public string Blob(byte[] content) => $"/v2/{Repository}/blobs/{Samples.DigestOf(content)}";

    public string Manifest(object reference) => $"/v2/{Repository}/manifests/{reference}";

    /// <summary>Answers as soon as there is a head.</summary>
    public Task<HttpResponseMessage> OpenAsync(string path, RangeHeaderValue? range = null, int listener = 0)
    {
        var request = new HttpRequestMessage(HttpMethod.Get, new Uri(Server.Addresses[listener], path));
        request.Headers.Range = range;
        return Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
    }

    public Task<HttpResponseMessage> HeadAsync(string path) => Server.HeadAsync(path);

    public async Task<(HttpStatusCode Status, byte[] Body, bool IsWhole)> PullAsync(string path, RangeHeaderValue? range = null, int listener = 0)
    {
        try
        {
            using var response = await OpenAsync(path, range, listener);
            var (body, isWhole) = await ReadAsync(response);
            return (response.StatusCode, body, isWhole);
        }
        catch (Exception e) when (e is HttpRequestException or OperationCanceledException)
        {
            return (0, [], false); // Cut off before the head, or with the client.
        }
    }

    /// <summary>What of a body comes, and whether it came to its end.</summary>
    public static async Task<(byte[] Body, bool IsWhole)> ReadAsync(HttpResponseMessage response)
    {
        await using var stream = await response.Content.ReadAsStreamAsync();
        var body = new MemoryStream();
        try
        {
            await stream.CopyToAsync(body);
            return (body.ToArray(), true);
        }
        catch (Exception e) when (e is IOException or HttpRequestException or OperationCanceledException)
        {
            return (body.ToArray(), false);
        }
    }

    /// <summary>Reads exactly so many bytes of a body; more need not be there.</summary>
    public static async Task<byte[]> ReadAsync(Stream stream, int bytes)
    {
        using var timeout = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        var buffer = new byte[bytes];
        await stream.ReadExactlyAsync(buffer, timeout.Token);
        return buffer;
    }

    public async Task ShouldPullAsync(string path, byte[] content, int listener = 0)
    {
        var (status, body, isWhole) = await PullAsync(path, listener: listener);
        status.ShouldBe(HttpStatusCode.OK, System.Text.Encoding.UTF8.GetString(body.AsSpan(0, Math.Min(body.Length, 500))));
        isWhole.ShouldBeTrue();
        body.AsSpan().SequenceEqual(content).ShouldBeTrue($"{path}: other bytes: {Convert.ToHexString(body.AsSpan(0, Math.Min(body.Length, 20)))} ({body.Length})");
    }

    /// <summary>As a client does: HEAD of the tag, the manifest, and all blobs.</summary>
    public async Task ShouldPullAsync(LabImage image, string tag)
    {
        await ShouldPullAsync(Manifest(tag), image.Manifest);
        foreach (var blob in image.Blobs)
            await ShouldPullAsync(Blob(blob), blob);
    }

    public ValueTask<long> LinkedAsync(byte[] content) => Server.CountAsync(
        $"SELECT COUNT(*) FROM links l JOIN blobs b ON b.id = l.blob_id JOIN repositories r ON r.id = l.repository_id JOIN registries g ON g.id = r.registry_id WHERE g.kind = 2 AND b.digest = {Literal(content)}");

    public ValueTask<long> KnownAsync(byte[] manifest) => Server.CountAsync(
        $"SELECT COUNT(*) FROM manifests m JOIN blobs b ON b.id = m.blob_id JOIN repositories r ON r.id = m.repository_id JOIN registries g ON g.id = r.registry_id WHERE g.kind = 2 AND b.digest = {Literal(manifest)}");

    public Task ShouldBeKeptAsync(byte[] content) => Eventually.ShouldBeAsync(() => LinkedAsync(content), 1);

    /// <summary>The value of a metric's line that begins so; 0: there is none.</summary>
    public async Task<double> MetricAsync(string start)
    {
        var text = await Http.GetStringAsync("/metrics");
        var line = text.Split('\n').FirstOrDefault(line => line.StartsWith(start, StringComparison.Ordinal));
        return line is null ? 0 : double.Parse(line[(line.LastIndexOf(' ') + 1)..], CultureInfo.InvariantCulture);
    }

    /// <summary>How many requests of a kind (manifest, blob) were answered so, as the metrics say.</summary>
    public async Task<double> AnswersAsync(string kind, string answer)
    {
        var text = await Http.GetStringAsync("/metrics");
        var line = text.Split('\n').SingleOrDefault(line =>
            line.StartsWith("holdfast_cache_requests_total{", StringComparison.Ordinal) && line.Contains($"cache=\"{Name}\"", StringComparison.Ordinal)
            && line.Contains($"kind=\"{kind}\"", StringComparison.Ordinal) && line.Contains($"answer=\"{answer}\"", StringComparison.Ordinal));
        return line is null ? 0 : double.Parse(line[(line.LastIndexOf(' ') + 1)..], CultureInfo.InvariantCulture);
    }

    public ValueTask<int> OpenIncidentsAsync(string kind, string subject) => new(CountAsync(kind, subject));

    public async Task<IncidentAnswer> IncidentAsync(string kind, string subject)
    {
        await Eventually.ShouldBeAsync(() => OpenIncidentsAsync(kind, subject), 1);
        return (await Server.IncidentsAsync($"state=open&kind={kind}")).Incidents.First(incident => incident.Subject == subject);
    }

    /// <summary>Uploads' files and blobs without rows: what a fetch must not leave.</summary>
    public string[] LeftUploads() => [.. Directory.GetFiles(Path.Combine(Server.DataPath, "uploads")).Where(static file => Path.GetFileName(file) != "store-id")];

    public async Task ShouldBeSoundAsync()
    {
        await Eventually.ShouldBeAsync(() => LeftUploads().Length, 0);
        (await Server.CountAsync("SELECT COUNT(*) FROM pragma_foreign_key_check")).ShouldBe(0);
        foreach (var file in Directory.GetFiles(Path.Combine(Server.DataPath, "blobs", "sha256"), "*", SearchOption.AllDirectories))
        {
            if (await ReadAsync(file) is { } content)
                Digest.Compute(DigestAlgorithm.Sha256, content).Hex.ToString().ShouldBe(Path.GetFileName(file));
        }
    }

    public async ValueTask DisposeAsync()
    {
        await Proxy.DisposeAsync();
        await Server.DisposeAsync();
        await Origin.DisposeAsync();
    }

    /// <summary>As SQL writes it.</summary>
    public static string Literal(byte[] content) => $"x'{Convert.ToHexString(Samples.DigestOf(content).ToBytes())}'";

    /// <returns>Null: the collection has taken the file since it was listed.</returns>
    private static async Task<byte[]?> ReadAsync(string file)
    {
        try
        {
            return await File.ReadAllBytesAsync(file);
        }
        catch (FileNotFoundException)
        {
            return null;
        }
    }

    private async Task<int> CountAsync(string kind, string subject) =>
        (await Server.IncidentsAsync($"state=open&kind={kind}")).Incidents.Count(incident => incident.Subject == subject);
}

/// <summary>What is different in a lab.</summary>
internal sealed record LabPlan
{
    public Func<CacheOptions, CacheOptions> Cache { get; init; } = static options => options;

    public Func<ServerOptions, ServerOptions> Server { get; init; } = static options => options;

    public Func<ServerOptions, ServerOptions> Origin { get; init; } = static options => options;

    public Func<IBlobStore, IBlobStore> Wrap { get; init; } = static store => store;

    public ILoggerFactory Logs { get; init; } = NullLoggerFactory.Instance;

    public string Namespace { get; init; } = "registry.example";
}

/// <summary>An image of random bytes.</summary>
/// <param name="Blobs">Its config and its layers.</param>
internal sealed record LabImage(byte[] Manifest, IReadOnlyList<byte[]> Blobs)
{
    public Digest Digest => Samples.DigestOf(Manifest);

    public byte[] Layer => Blobs[1];

    public static LabImage Create(int seed, params int[] layers)
    {
        var blobs = layers.Select((size, i) => Samples.Bytes((seed * 100) + i + 1, size)).Prepend(Samples.Bytes(seed * 100, 50)).ToList();
        return new LabImage(Samples.Image(blobs[0], [.. blobs.Skip(1)]), blobs);
    }
}
