using System.Net;
using System.Net.Http.Headers;
using Holdfast.Server.Caching;
using Holdfast.Server.Tests.Protocol;
using Holdfast.Testing;
using Shouldly;
using Xunit;

namespace Holdfast.Server.Tests.Caching;

/// <summary>One fetch, many readers.</summary>
public sealed class FetchTests
{
    private const int Hold = 64 * 1024;
    private const int Big = 3_000_000;

    [Theory]
    [InlineData(Big)]
    [InlineData(1000)]
    public async Task Blob_MissedByAHundred_IsFetchedOnce(int size)
    {
        await using var lab = await CachingLab.StartAsync();
        var image = await lab.PushAsync("v1", 1, size);
        var gate = new Gate();
        lab.Proxy.Add(new Fault { Of = Fault.Get("/blobs/"), Gate = gate, GateAt = size / 2 });
        var pulls = Enumerable.Range(0, 100).Select(_ => lab.PullAsync(lab.Blob(image.Layer))).ToList();
        await gate.Reached;
        gate.Open();
        foreach (var (status, body, isWhole) in await Task.WhenAll(pulls))
        {
            status.ShouldBe(HttpStatusCode.OK);
            isWhole.ShouldBeTrue();
            body.AsSpan().SequenceEqual(image.Layer).ShouldBeTrue();
        }
        await lab.ShouldBeKeptAsync(image.Layer);
        lab.Proxy.Count("GET", "/blobs/").ShouldBe(1);
        await lab.ShouldPullAsync(lab.Blob(image.Layer), image.Layer);
        lab.Proxy.Count("GET", "/blobs/").ShouldBe(1);
        lab.Proxy.Count("HEAD", "/blobs/").ShouldBe(0);
        await lab.ShouldBeSoundAsync();
    }

    /// <summary>No gate here: who comes when the fetch has just ended gets what it stored.</summary>
    [Fact]
    public async Task Blob_MissedByManyWhileItIsStored_IsFetchedOnce()
    {
        await using var lab = await CachingLab.StartAsync();
        for (var round = 0; round < 10; round++)
        {
            var image = await lab.PushAsync("v1", 10 + round, 200_000);
            lab.Proxy.Forget();
            var pulls = await Task.WhenAll(Enumerable.Range(0, 40).Select(_ => lab.PullAsync(lab.Blob(image.Layer))));
            pulls.ShouldAllBe(pull => pull.IsWhole && pull.Status == HttpStatusCode.OK);
            lab.Proxy.Count("GET", "/blobs/").ShouldBe(1, $"round {round}");
        }
    }

    [Fact]
    public async Task Manifest_MissedByAHundred_IsFetchedOnce()
    {
        await using var lab = await CachingLab.StartAsync();
        var image = await lab.PushAsync("v1", 1, 1000);
        var gate = new Gate();
        lab.Proxy.Add(new Fault { Of = Fault.Get("/manifests/"), Gate = gate });
        var byTag = Enumerable.Range(0, 50).Select(_ => lab.PullAsync(lab.Manifest("v1"))).ToList();
        var byDigest = Enumerable.Range(0, 50).Select(_ => lab.PullAsync(lab.Manifest(image.Digest))).ToList();
        await gate.Reached;
        gate.Open();
        foreach (var (status, body, _) in await Task.WhenAll(byTag.Concat(byDigest)))
        {
            status.ShouldBe(HttpStatusCode.OK);
            body.ShouldBe(image.Manifest);
        }
        // By tag it is stored with its tag, by digest without: one each at most.
        lab.Proxy.Count("GET", "/manifests/").ShouldBe(1);
        lab.Proxy.Count("HEAD", "/manifests/").ShouldBe(1);
    }

    [Fact]
    public async Task FirstBytes_ComeBeforeTheUpstreamHasSentTheLast()
    {
        await using var lab = await CachingLab.StartAsync();
        var image = await lab.PushAsync("v1", 1, Big);
        var gate = new Gate();
        lab.Proxy.Add(new Fault { Of = Fault.Get("/blobs/"), Gate = gate, GateAt = Big - 10 });
        using var response = await lab.OpenAsync(lab.Blob(image.Layer));
        response.StatusCode.ShouldBe(HttpStatusCode.OK);
        response.Content.Headers.ContentLength.ShouldBe(Big);
        await using var stream = await response.Content.ReadAsStreamAsync();
        // All but what is held until the hash is known.
        var start = await CachingLab.ReadAsync(stream, Big - Hold);
        start.AsSpan().SequenceEqual(image.Layer.AsSpan(0, Big - Hold)).ShouldBeTrue();
        gate.Open();
        (await CachingLab.ReadAsync(stream, Hold)).AsSpan().SequenceEqual(image.Layer.AsSpan(Big - Hold)).ShouldBeTrue();
    }

    /// <summary>Not a byte of the last chunk before all bytes are there.</summary>
    [Fact, Promise("P4")]
    public async Task LastChunk_IsHeldUntilTheLastByteHasCome()
    {
        await using var lab = await CachingLab.StartAsync();
        var image = await lab.PushAsync("v1", 1, Big);
        lab.Proxy.Add(new Fault { Of = Fault.Get("/blobs/"), Flip = Big - 1 });
        using var response = await lab.OpenAsync(lab.Blob(image.Layer));
        var (body, isWhole) = await CachingLab.ReadAsync(response);
        isWhole.ShouldBeFalse();
        body.Length.ShouldBeLessThanOrEqualTo(Big - Hold);
    }

    [Fact]
    public async Task Client_ThatLeaves_DoesNotStopTheOthers()
    {
        await using var lab = await CachingLab.StartAsync();
        var image = await lab.PushAsync("v1", 1, Big);
        var gate = new Gate();
        lab.Proxy.Add(new Fault { Of = Fault.Get("/blobs/"), Gate = gate, GateAt = Big / 2 });
        var first = await lab.OpenAsync(lab.Blob(image.Layer));
        using var second = await lab.OpenAsync(lab.Blob(image.Layer));
        await gate.Reached;
        first.Dispose();
        gate.Open();
        var (body, isWhole) = await CachingLab.ReadAsync(second);
        isWhole.ShouldBeTrue();
        body.AsSpan().SequenceEqual(image.Layer).ShouldBeTrue();
        lab.Proxy.Count("GET", "/blobs/").ShouldBe(1);
    }

    [Fact]
    public async Task Fetch_WithinItsEffort_IsFinishedForNobody()
    {
        await using var lab = await CachingLab.StartAsync();
        var image = await lab.PushAsync("v1", 1, Big);
        var gate = new Gate();
        lab.Proxy.Add(new Fault { Of = Fault.Get("/blobs/"), Gate = gate, GateAt = Big / 2 });
        (await lab.OpenAsync(lab.Blob(image.Layer))).Dispose();
        await gate.Reached;
        gate.Open();
        await lab.ShouldBeKeptAsync(image.Layer);
        lab.Proxy.Count("GET", "/blobs/").ShouldBe(1);
        await lab.ShouldPullAsync(lab.Blob(image.Layer), image.Layer);
        lab.Proxy.Count("GET", "/blobs/").ShouldBe(1);
    }

    [Fact]
    public async Task Fetch_BeyondItsEffort_IsGivenUpWhenTheLastOneLeaves()
    {
        await using var lab = await CachingLab.StartAsync(new LabPlan { Cache = cache => cache with { FinishBytes = 100_000 } });
        var image = await lab.PushAsync("v1", 1, Big);
        var gate = new Gate();
        lab.Proxy.Add(new Fault { Of = Fault.Get("/blobs/"), Gate = gate, GateAt = Big / 2, Times = 1 });
        var first = await lab.OpenAsync(lab.Blob(image.Layer));
        var second = await lab.OpenAsync(lab.Blob(image.Layer));
        await gate.Reached;
        first.Dispose();
        gate.HasLeft.ShouldBeFalse();
        second.Dispose();
        await gate.Left;
        await lab.ShouldBeSoundAsync();
        (await lab.LinkedAsync(image.Layer)).ShouldBe(0);
        await lab.ShouldPullAsync(lab.Blob(image.Layer), image.Layer);
    }

    /// <summary>Nobody knows how much is still to come, so that it is counted.</summary>
    [Fact]
    public async Task Fetch_OfUnstatedSize_IsFinishedForNobody()
    {
        await using var lab = await CachingLab.StartAsync();
        var image = await lab.PushAsync("v1", 1, Big);
        var gate = new Gate();
        lab.Proxy.Add(new Fault { Of = Fault.Get("/blobs/"), Chunked = true, Gate = gate, GateAt = Big / 2 });
        (await lab.OpenAsync(lab.Blob(image.Layer))).Dispose();
        await gate.Reached;
        gate.Open();
        await lab.ShouldBeKeptAsync(image.Layer);
        lab.Proxy.Count("GET", "/blobs/").ShouldBe(1);
    }

    [Fact]
    public async Task Fetch_OfUnstatedSizeWithoutAnyEffort_IsGivenUpWhenTheLastOneLeaves()
    {
        await using var lab = await CachingLab.StartAsync(new LabPlan { Cache = cache => cache with { FinishBytes = 0 } });
        var image = await lab.PushAsync("v1", 1, Big);
        var gate = new Gate();
        lab.Proxy.Add(new Fault { Of = Fault.Get("/blobs/"), Chunked = true, Gate = gate, GateAt = Big / 2, Times = 1 });
        (await lab.OpenAsync(lab.Blob(image.Layer))).Dispose();
        await gate.Left;
        await lab.ShouldBeSoundAsync();
        (await lab.LinkedAsync(image.Layer)).ShouldBe(0);
        await lab.ShouldPullAsync(lab.Blob(image.Layer), image.Layer);
    }

    [Fact]
    public async Task Bytes_ForNobody_AreCountedFromTheLastOneWhoLeft()
    {
        var abandoned = 0;
        await using var bytes = new FetchedBytes { IsTooMuch = static (_, forNobody) => forNobody >= 100, Abandon = () => abandoned++ };
        var first = bytes.TryJoin().ShouldNotBeNull();
        bytes.NoteWritten(1000);
        await first.DisposeAsync();
        bytes.NoteWritten(60);
        await bytes.TryJoin().ShouldNotBeNull().DisposeAsync();
        bytes.NoteWritten(99);
        abandoned.ShouldBe(0);
        bytes.NoteWritten(1);
        abandoned.ShouldBe(1);
        bytes.TryJoin().ShouldBeNull();
        bytes.NoteWritten(500);
        abandoned.ShouldBe(1);
    }

    [Fact]
    public async Task LateJoiner_StartsAtTheFirstByteAndCatchesUp()
    {
        await using var lab = await CachingLab.StartAsync();
        var image = await lab.PushAsync("v1", 1, Big);
        var gate = new Gate();
        lab.Proxy.Add(new Fault { Of = Fault.Get("/blobs/"), Gate = gate, GateAt = 2_000_000 });
        var early = lab.PullAsync(lab.Blob(image.Layer));
        await gate.Reached;
        using var late = await lab.OpenAsync(lab.Blob(image.Layer));
        await using var stream = await late.Content.ReadAsStreamAsync();
        var start = await CachingLab.ReadAsync(stream, 2_000_000);
        start.AsSpan().SequenceEqual(image.Layer.AsSpan(0, 2_000_000)).ShouldBeTrue();
        gate.Open();
        (await CachingLab.ReadAsync(stream, Big - 2_000_000)).AsSpan().SequenceEqual(image.Layer.AsSpan(2_000_000)).ShouldBeTrue();
        (await early).IsWhole.ShouldBeTrue();
        lab.Proxy.Count("GET", "/blobs/").ShouldBe(1);
    }

    [Fact]
    public async Task Range_OfWhatHasArrived_ComesBeforeTheRest()
    {
        await using var lab = await CachingLab.StartAsync();
        var image = await lab.PushAsync("v1", 1, Big);
        var gate = new Gate();
        lab.Proxy.Add(new Fault { Of = Fault.Get("/blobs/"), Gate = gate, GateAt = 2_000_000 });
        using var part = await lab.OpenAsync(lab.Blob(image.Layer), new RangeHeaderValue(500_000, 1_499_999));
        part.StatusCode.ShouldBe(HttpStatusCode.PartialContent);
        part.Content.Headers.ContentRange!.ToString().ShouldBe($"bytes 500000-1499999/{Big}");
        part.Content.Headers.ContentLength.ShouldBe(1_000_000);
        await using var stream = await part.Content.ReadAsStreamAsync();
        var start = await CachingLab.ReadAsync(stream, 1_000_000 - Hold);
        start.AsSpan().SequenceEqual(image.Layer.AsSpan(500_000, 1_000_000 - Hold)).ShouldBeTrue();
        gate.Open();
        (await CachingLab.ReadAsync(stream, Hold)).AsSpan().SequenceEqual(image.Layer.AsSpan(1_500_000 - Hold, Hold)).ShouldBeTrue();
        await lab.ShouldBeKeptAsync(image.Layer);
        lab.Proxy.Count("GET", "/blobs/").ShouldBe(1);
    }

    [Theory, Promise("P4")]
    [InlineData(0, 999_999)]
    [InlineData(0, 9)]
    [InlineData(2_500_000, 2_999_999)]
    [InlineData(0, Big - 2)]
    public async Task Range_OfAWrongBlob_IsNeverComplete(int first, int last)
    {
        await using var lab = await CachingLab.StartAsync();
        var image = await lab.PushAsync("v1", 1, Big);
        lab.Proxy.Add(new Fault { Of = Fault.Get("/blobs/"), Flip = 700_000, Times = 1 });
        var wrong = await lab.PullAsync(lab.Blob(image.Layer), new RangeHeaderValue(first, last));
        if (wrong.Status == HttpStatusCode.PartialContent)
        {
            wrong.IsWhole.ShouldBeFalse();
            wrong.Body.Length.ShouldBeLessThan(last - first + 1);
        }
        else
        {
            ((int)wrong.Status).ShouldBeOneOf(0, 502);
        }
        var right = await lab.PullAsync(lab.Blob(image.Layer), new RangeHeaderValue(first, last));
        right.Body.AsSpan().SequenceEqual(image.Layer.AsSpan(first, last - first + 1)).ShouldBeTrue();
    }

    [Fact]
    public async Task Range_BeyondTheBlob_Is416()
    {
        await using var lab = await CachingLab.StartAsync();
        var image = await lab.PushAsync("v1", 1, 1000);
        (await lab.PullAsync(lab.Blob(image.Layer), new RangeHeaderValue(1000, null))).Status.ShouldBe(HttpStatusCode.RequestedRangeNotSatisfiable);
    }

    [Fact]
    public async Task BrokenRead_IsTakenUpWithARange()
    {
        await using var lab = await CachingLab.StartAsync();
        var image = await lab.PushAsync("v1", 1, Big);
        lab.Proxy.Add(new Fault { Of = Fault.Get("/blobs/"), CutAfter = 1_234_567, Times = 1 });
        await lab.ShouldPullAsync(lab.Blob(image.Layer), image.Layer);
        await lab.ShouldBeKeptAsync(image.Layer);
        var gets = lab.Proxy.Requests.Where(asked => asked.Method == "GET").ToList();
        gets.Count.ShouldBe(2);
        gets[0].Header("Range").ShouldBe("");
        var from = gets[1].Header("Range");
        from.ShouldMatch(@"^bytes=\d+-$");
        long.Parse(from[6..^1]).ShouldBeInRange(1, 1_234_567);
    }

    [Fact]
    public async Task StalledRead_IsTakenUpElsewhereInTheBlob()
    {
        await using var lab = await CachingLab.StartAsync(new LabPlan { Cache = cache => cache with { Upstream = cache.Upstream with { StallTimeout = TimeSpan.FromSeconds(1) } } });
        var image = await lab.PushAsync("v1", 1, Big);
        var gate = new Gate();
        lab.Proxy.Add(new Fault { Of = Fault.Get("/blobs/"), Gate = gate, GateAt = 1_000_000, Times = 1 });
        await lab.ShouldPullAsync(lab.Blob(image.Layer), image.Layer);
        await gate.Left;
        lab.Proxy.Requests.Where(static asked => asked.Method == "GET").Select(static asked => asked.Header("Range")).ShouldBe(["", "bytes=1000000-"]);
    }

    [Fact]
    public async Task SlowUpstream_IsWaitedFor()
    {
        await using var lab = await CachingLab.StartAsync(new LabPlan { Cache = cache => cache with { Upstream = cache.Upstream with { StallTimeout = TimeSpan.FromSeconds(1) } } });
        var image = await lab.PushAsync("v1", 1, 1_000_000);
        lab.Proxy.Add(new Fault { Of = Fault.Get("/blobs/"), BytesPerSecond = 500_000 });
        await lab.ShouldPullAsync(lab.Blob(image.Layer), image.Layer);
        lab.Proxy.Count("GET", "/blobs/").ShouldBe(1);
    }

    [Fact]
    public async Task Head_MakesNoGetUpstream()
    {
        await using var lab = await CachingLab.StartAsync();
        var image = await lab.PushAsync("v1", 1, 5000);
        foreach (var reference in new[] { "v1", image.Digest.ToString() })
        {
            using var manifest = await lab.HeadAsync(lab.Manifest(reference));
            manifest.StatusCode.ShouldBe(HttpStatusCode.OK);
            manifest.Headers.GetValues("Docker-Content-Digest").ShouldBe([image.Digest.ToString()]);
            manifest.Content.Headers.ContentLength.ShouldBe(image.Manifest.Length);
            manifest.Content.Headers.ContentType!.MediaType.ShouldBe(Oci.MediaTypes.OciManifest);
        }
        using var blob = await lab.HeadAsync(lab.Blob(image.Layer));
        blob.StatusCode.ShouldBe(HttpStatusCode.OK);
        blob.Content.Headers.ContentLength.ShouldBe(5000);
        lab.Proxy.Requests.ShouldAllBe(asked => asked.Method == "HEAD");
        (await lab.Server.CountAsync("SELECT COUNT(*) FROM manifests")).ShouldBe(0);
    }

    /// <summary>As a hundred nodes do that are told to run the same image.</summary>
    [Theory]
    [InlineData("manifest")]
    [InlineData("blob")]
    public async Task Head_ByDigestOfAHundredAtOnce_IsAskedOnce(string kind)
    {
        await using var lab = await CachingLab.StartAsync();
        var image = await lab.PushAsync("v1", 1, 5000);
        var (path, size) = kind == "blob" ? (lab.Blob(image.Layer), 5000) : (lab.Manifest(image.Digest), image.Manifest.Length);
        var gate = new Gate();
        lab.Proxy.Add(new Fault { Of = Fault.Head(path), Gate = gate, GateAt = -1 });
        var heads = Enumerable.Range(0, 100).Select(_ => lab.HeadAsync(path)).ToList();
        await gate.Reached;
        await Eventually.ShouldBeAsync(() => new ValueTask<double>(lab.AnswersAsync(kind, "miss")), 100);
        gate.Open();
        foreach (var response in await Task.WhenAll(heads))
        {
            response.StatusCode.ShouldBe(HttpStatusCode.OK);
            response.Content.Headers.ContentLength.ShouldBe(size);
            response.Dispose();
        }
        lab.Proxy.Requests.Count.ShouldBe(1);
    }

    [Fact]
    public async Task Head_OfWhatIsNotThere_Is404()
    {
        await using var lab = await CachingLab.StartAsync();
        await lab.PushAsync("v1", 1, 1000);
        foreach (var path in new[] { lab.Manifest("nope"), lab.Manifest(Samples.DigestOf([1])), lab.Blob([1]), "/v2/no/such/manifests/v1" })
        {
            (await lab.HeadAsync(path)).StatusCode.ShouldBe(HttpStatusCode.NotFound, path);
            (await lab.PullAsync(path)).Status.ShouldBe(HttpStatusCode.NotFound, path);
        }
        (await lab.Server.CountAsync("SELECT COUNT(*) FROM repositories")).ShouldBe(0);
    }

    /// <summary>Without a length from the upstream the size is not known before the end, and nothing is invented.</summary>
    [Theory]
    [InlineData(Big)]
    [InlineData(1000)]
    public async Task Blob_WithoutStatedLength_ComesWhole(int size)
    {
        await using var lab = await CachingLab.StartAsync();
        var image = await lab.PushAsync("v1", 1, size);
        lab.Proxy.Add(new Fault { Of = Fault.Any("/blobs/"), Chunked = true });
        using var head = await lab.HeadAsync(lab.Blob(image.Layer));
        head.StatusCode.ShouldBe(HttpStatusCode.OK);
        head.Content.Headers.ContentLength.ShouldBeNull();
        await lab.ShouldPullAsync(lab.Blob(image.Layer), image.Layer);
        await lab.ShouldBeKeptAsync(image.Layer);
        lab.Proxy.Count("GET", "/blobs/").ShouldBe(1);
    }

    [Fact]
    public async Task Blob_OfNoBytes_ComesWhole()
    {
        await using var lab = await CachingLab.StartAsync();
        var image = await lab.PushAsync("v1", 1, 0);
        await lab.ShouldPullAsync(image, "v1");
        await lab.ShouldBeKeptAsync(image.Layer);
        await lab.ShouldPullAsync(image, "v1");
        lab.Proxy.Count("GET", "/blobs/").ShouldBe(2);
    }

    [Fact]
    public async Task Blob_OfSha512_ComesWhole()
    {
        await using var lab = await CachingLab.StartAsync();
        var content = Samples.Bytes(5, 300_000);
        var digest = await lab.Origin.PushBlobAsync(CachingLab.Repository, content, Oci.DigestAlgorithm.Sha512);
        await lab.ShouldPullAsync($"/v2/{CachingLab.Repository}/blobs/{digest}", content);
        await Eventually.ShouldBeAsync(() => lab.Server.CountAsync("SELECT COUNT(*) FROM links"), 1);
        await lab.ShouldPullAsync($"/v2/{CachingLab.Repository}/blobs/{digest}", content);
        lab.Proxy.Count("GET", "/blobs/").ShouldBe(1);
    }
}
