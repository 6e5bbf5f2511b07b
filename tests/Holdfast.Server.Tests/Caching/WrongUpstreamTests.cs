using System.Net;
using System.Text;
using Holdfast.Oci;
using Holdfast.Server.Tests.Hosting;
using Holdfast.Server.Tests.Protocol;
using Holdfast.Testing;
using Shouldly;
using Xunit;

namespace Holdfast.Server.Tests.Caching;

/// <summary>What upstreams and networks do wrong is neither stored nor handed on as if it were right.</summary>
public sealed class WrongUpstreamTests
{
    private const int Big = 2_000_000;

    public static TheoryData<string, int> Wrongs => new()
    {
        { "flip", Big },
        { "flip", 1000 },
        { "flip-chunked", Big },
        { "flip-chunked", 1000 },
        { "short", Big },
        { "short", 1000 },
        { "short-chunked", Big },
        { "short-chunked", 1000 },
        { "longer-stated", Big },
        { "shorter-stated", Big },
        { "cut", Big },
        { "html", Big },
    };

    /// <summary>No client gets a complete body, nothing is stored, and the next pull gets everything.</summary>
    [Theory, Promise("P4")]
    [MemberData(nameof(Wrongs))]
    public async Task Blob_ThatComesWrong_IsNeitherCompletedNorStored(string wrong, int size)
    {
        await using var lab = await CachingLab.StartAsync();
        var image = await lab.PushAsync("v1", 1, size);
        var gate = new Gate();
        lab.Proxy.Add(FaultOf(wrong, size) with { Gate = gate, GateAt = 100 });
        var pulls = Enumerable.Range(0, 5).Select(_ => lab.PullAsync(lab.Blob(image.Layer))).ToList();
        await gate.Reached;
        gate.Open();
        foreach (var (status, body, isWhole) in await Task.WhenAll(pulls))
        {
            if (status == HttpStatusCode.OK)
                isWhole.ShouldBeFalse();
            else
                ((int)status).ShouldBeOneOf(0, 502);
            body.Length.ShouldBeLessThan(size);
        }
        await lab.ShouldBeSoundAsync();
        (await lab.LinkedAsync(image.Layer)).ShouldBe(0);
        File.Exists(lab.Server.BlobFile(Samples.DigestOf(image.Layer))).ShouldBeFalse();
        lab.Proxy.Heal();
        // Whatever it cost the mirror of its health.
        lab.Time.Advance(TimeSpan.FromMinutes(2));
        await lab.ShouldPullAsync(lab.Blob(image.Layer), image.Layer);
        await lab.ShouldBeKeptAsync(image.Layer);
    }

    [Fact, Promise("P8")]
    public async Task Blob_ThatComesWrong_IsAnIncidentAndAMetric()
    {
        await using var lab = await CachingLab.StartAsync();
        var image = await lab.PushAsync("v1", 1, Big);
        lab.Proxy.Add(new Fault { Of = Fault.Get("/blobs/"), Flip = 5, Times = 1 });
        (await lab.PullAsync(lab.Blob(image.Layer))).IsWhole.ShouldBeFalse();
        (await lab.IncidentAsync("upstream", lab.Name)).Detail.ShouldContain("another hash");
        (await lab.MetricAsync($"holdfast_cache_wrong_total{{cache=\"{lab.Name}\"}}")).ShouldBe(1);
        await lab.ShouldPullAsync(lab.Blob(image.Layer), image.Layer);
        // It is over when nothing has gone wrong for a while.
        lab.Time.Advance(TimeSpan.FromSeconds(10));
        using var head = await lab.HeadAsync(lab.Manifest("v1"));
        await Eventually.ShouldBeAsync(() => lab.OpenIncidentsAsync("upstream", lab.Name), 0);
    }

    /// <summary>One object that comes wrong beside others that don't would else be an incident for each pull, opened and ended.</summary>
    [Fact, Promise("P10")]
    public async Task Upstream_ThatAnswersRightAndWrongByTurns_IsOneIncident()
    {
        await using var lab = await CachingLab.StartAsync();
        var image = await lab.PushAsync("v1", 1, 1000);
        lab.Proxy.Add(new Fault { Of = Fault.Get("/manifests/"), Flip = 5 });
        for (var i = 0; i < 5; i++)
        {
            (await lab.PullAsync(lab.Manifest("v1"))).Status.ShouldBe(HttpStatusCode.BadGateway);
            await lab.IncidentAsync("upstream", lab.Name);
            lab.Time.Advance(TimeSpan.FromSeconds(2));
        }
        (await lab.Server.CountAsync($"SELECT COUNT(*) FROM incidents WHERE object = '{lab.Name}'")).ShouldBe(1);
        (await lab.KnownAsync(image.Manifest)).ShouldBe(0);
    }

    /// <summary>However many wait for it, it is one finding.</summary>
    [Fact, Promise("P10")]
    public async Task Blob_ThatComesWrong_IsLoggedOnce()
    {
        using var logs = new CollectedLogs();
        await using var lab = await CachingLab.StartAsync(new LabPlan { Logs = logs });
        var image = await lab.PushAsync("v1", 1, Big);
        var gate = new Gate();
        lab.Proxy.Add(new Fault { Of = Fault.Get("/blobs/"), Flip = 5, Gate = gate, GateAt = Big / 2, Times = 1 });
        var pulls = new List<HttpResponseMessage>();
        for (var i = 0; i < 20; i++)
            pulls.Add(await lab.OpenAsync(lab.Blob(image.Layer)));
        await gate.Reached;
        gate.Open();
        foreach (var pull in pulls)
        {
            (await CachingLab.ReadAsync(pull)).IsWhole.ShouldBeFalse();
            pull.Dispose();
        }
        await lab.IncidentAsync("upstream", lab.Name);
        logs.Lines.Count(static line => line.Contains("wrong bytes", StringComparison.Ordinal)).ShouldBe(1);
        logs.Lines.ShouldNotContain(static line => line.StartsWith("Error Request", StringComparison.Ordinal));
    }

    [Theory, Promise("P4")]
    [InlineData("flip")]
    [InlineData("html")]
    [InlineData("html-200-head")]
    [InlineData("truncated")]
    public async Task Manifest_ThatComesWrong_Is502AndNotStored(string wrong)
    {
        await using var lab = await CachingLab.StartAsync();
        var image = await lab.PushAsync("v1", 1, 1000);
        var html = Encoding.UTF8.GetBytes("<html><body>Please log in to the hotel's network</body></html>");
        switch (wrong)
        {
            case "flip":
                lab.Proxy.Add(new Fault { Of = Fault.Get("/manifests/"), Flip = 40 });
                break;
            case "html":
                lab.Proxy.Add(new Fault { Of = Fault.Get("/manifests/"), Status = 200, Body = html, Headers = [("Content-Type", "text/html")] });
                break;
            case "html-200-head":
                lab.Proxy.Add(new Fault { Of = Fault.Any("/manifests/"), Status = 200, Body = html, Headers = [("Content-Type", "text/html")] });
                break;
            default:
                lab.Proxy.Add(new Fault { Of = Fault.Get("/manifests/"), EndAfter = 100 });
                break;
        }
        foreach (var reference in new[] { "v1", image.Digest.ToString() })
            (await lab.PullAsync(lab.Manifest(reference))).Status.ShouldBe(HttpStatusCode.BadGateway, reference);
        (await lab.Server.CountAsync("SELECT COUNT(*) FROM manifests")).ShouldBe(0);
        await lab.IncidentAsync("upstream", lab.Name);
        lab.Proxy.Heal();
        lab.Time.Advance(TimeSpan.FromMinutes(2));
        await lab.ShouldPullAsync(image, "v1");
        await Eventually.ShouldBeAsync(() => lab.OpenIncidentsAsync("upstream", lab.Name), 0);
    }

    [Fact]
    public async Task Manifest_OfAHundredMegabytes_Is502AndNotHeldInMemory()
    {
        await using var lab = await CachingLab.StartAsync();
        var digest = Samples.DigestOf([1]);
        lab.Proxy.Add(new Fault { Of = Fault.Get("/manifests/"), Status = 200, Body = new byte[100 << 20], Headers = [("Content-Type", MediaTypes.OciManifest)] });
        var (status, body, _) = await lab.PullAsync(lab.Manifest(digest));
        status.ShouldBe(HttpStatusCode.BadGateway);
        Encoding.UTF8.GetString(body).ShouldContain("UPSTREAM_INVALID");
        (await lab.PullAsync(lab.Manifest("big"))).Status.ShouldBeOneOf(HttpStatusCode.BadGateway, HttpStatusCode.NotFound);
    }

    [Fact]
    public async Task Index_OfTenThousandChildren_IsPulledAndMayBePulledFrom()
    {
        await using var lab = await CachingLab.StartAsync();
        var image = await lab.PushAsync("v1", 1, 1000);
        var children = Enumerable.Range(0, 10_000).Select(i => Samples.Descriptor(MediaTypes.OciManifest, BitConverter.GetBytes(i))).ToList();
        children[7777] = Samples.Descriptor(MediaTypes.OciManifest, image.Manifest);
        var index = Samples.Json(new System.Text.Json.Nodes.JsonObject
        {
            ["schemaVersion"] = 2,
            ["mediaType"] = MediaTypes.OciIndex,
            ["manifests"] = new System.Text.Json.Nodes.JsonArray([.. children]),
        });
        var digest = Samples.DigestOf(index);
        lab.Proxy.Add(new Fault
        {
            Of = Fault.Any($"/manifests/{digest}"),
            Status = 200,
            Body = index,
            Headers = [("Content-Type", MediaTypes.OciIndex), ("Docker-Content-Digest", digest.ToString())],
        });
        await lab.ShouldPullAsync(lab.Manifest(digest), index);
        (await lab.Server.CountAsync("SELECT COUNT(*) FROM soft_edges WHERE kind = 2")).ShouldBe(10_000);
        await lab.ShouldPullAsync(lab.Manifest(digest), index);
        await lab.ShouldPullAsync(lab.Manifest(image.Digest), image.Manifest);
    }

    [Fact]
    public async Task HeadWithoutDigest_IsAnsweredWithTheManifestsOwn()
    {
        await using var lab = await CachingLab.StartAsync();
        var image = await lab.PushAsync("v1", 1, 1000);
        lab.Proxy.Add(new Fault { Of = Fault.Any("/manifests/"), Without = ["Docker-Content-Digest", "ETag"] });
        using var head = await lab.HeadAsync(lab.Manifest("v1"));
        head.StatusCode.ShouldBe(HttpStatusCode.OK);
        head.Headers.GetValues("Docker-Content-Digest").ShouldBe([image.Digest.ToString()]);
        await lab.ShouldPullAsync(image, "v1");
    }

    [Fact]
    public async Task HeadWithoutLength_IsAnsweredWithoutAWrongOne()
    {
        await using var lab = await CachingLab.StartAsync();
        await lab.PushAsync("v1", 1, 1000);
        lab.Proxy.Add(new Fault { Of = Fault.Head("/manifests/"), Without = ["Content-Length"] });
        using var head = await lab.HeadAsync(lab.Manifest("v1"));
        head.StatusCode.ShouldBe(HttpStatusCode.OK);
        head.Content.Headers.ContentLength.ShouldNotBe(0);
    }

    [Fact]
    public async Task Redirects_ToABlobHost_AreFollowedWithoutTheToken()
    {
        await using var lab = await CachingLab.StartAsync();
        var image = await lab.PushAsync("v1", 1, Big);
        await using var blobs = FaultProxy.Start(lab.Origin.Address);
        lab.Proxy.Add(new Fault { Of = Fault.Any("/blobs/"), RedirectTo = blobs.Address });
        blobs.Add(new Fault { Of = Fault.Get("/blobs/"), CutAfter = 1_000_000, Times = 1 });
        await lab.ShouldPullAsync(lab.Blob(image.Layer), image.Layer);
        await lab.ShouldBeKeptAsync(image.Layer);
        blobs.Requests.ShouldAllBe(asked => asked.Header("Authorization").Length == 0);
        blobs.Count("GET", "/blobs/").ShouldBe(2);
    }

    /// <summary>Not even an upstream on this machine may have the password sent over a network in the clear, unless plain http was asked for.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Realm_OfPlainHttpOnAnotherMachine_GetsThePasswordOnlyIfInsecureWasAskedFor(bool isInsecure)
    {
        using var password = new TemporaryPassword("s3cret");
        await using var lab = await CachingLab.StartAsync(new LabPlan
        {
            Cache = cache => cache with { Upstream = cache.Upstream with { Insecure = isInsecure, Username = "bot", PasswordFile = password.Path } },
        });
        await using var realm = FaultProxy.Start(lab.Origin.Address);
        // Leads to this machine as well, but nobody can tell from the name.
        var challenge = $"Bearer realm=\"http://0.0.0.0:{realm.Address.Port}/token\",service=\"x\"";
        lab.Proxy.Add(new Fault { Of = Fault.Any("/manifests/"), Status = 401, Headers = [("WWW-Authenticate", challenge)] });
        var (status, body, _) = await lab.PullAsync(lab.Manifest("v1"));
        status.ShouldNotBe(HttpStatusCode.OK);
        realm.Requests.Any(asked => asked.Header("Authorization").StartsWith("Basic", StringComparison.Ordinal)).ShouldBe(isInsecure);
        if (!isInsecure)
            Encoding.UTF8.GetString(body).ShouldContain("plain http");
        Encoding.UTF8.GetString(body).ShouldNotContain("s3cret");
    }

    /// <summary>An upstream that is not private may not lead to what is.</summary>
    [Fact]
    public async Task Redirects_ToAPrivateAddress_AreRefusedIfSoConfigured()
    {
        await using var lab = await CachingLab.StartAsync(new LabPlan { Cache = cache => cache with { Upstream = cache.Upstream with { PrivateRedirects = false } } });
        var image = await lab.PushAsync("v1", 1, 1000);
        await using var blobs = FaultProxy.Start(lab.Origin.Address);
        lab.Proxy.Add(new Fault { Of = Fault.Any("/blobs/"), RedirectTo = blobs.Address });
        var (status, body, _) = await lab.PullAsync(lab.Blob(image.Layer));
        status.ShouldBe(HttpStatusCode.BadGateway);
        Encoding.UTF8.GetString(body).ShouldContain("privateRedirects");
        blobs.Requests.ShouldBeEmpty();
    }

    private sealed class TemporaryPassword : IDisposable
    {
        public TemporaryPassword(string password) => File.WriteAllText(Path, password);

        public string Path { get; } = System.IO.Path.GetTempFileName();

        public void Dispose() => File.Delete(Path);
    }

    private static Fault FaultOf(string wrong, int size)
    {
        var fault = new Fault { Of = Fault.Get("/blobs/") };
        return wrong switch
        {
            "flip" => fault with { Flip = size / 3 },
            "flip-chunked" => fault with { Flip = size / 3, Chunked = true },
            "short" => fault with { EndAfter = size - 1 },
            "short-chunked" => fault with { EndAfter = size - 1, Chunked = true },
            "longer-stated" => fault with { StatedLength = size + 1000 },
            "shorter-stated" => fault with { StatedLength = size - 1000 },
            "cut" => fault with { CutAfter = 200_000 },
            _ => fault with { Status = 200, Body = Encoding.UTF8.GetBytes("<html>" + new string('x', 500) + "</html>"), Headers = [("Content-Type", "text/html")] },
        };
    }
}
