using System.Net;
using System.Text;
using System.Text.Json;
using Holdfast.Oci;
using Holdfast.Server.Tests.Protocol;
using Holdfast.Testing;
using Shouldly;
using Xunit;

namespace Holdfast.Server.Tests.Caching;

/// <summary>Tags tell the truth, and say so when they can't know it.</summary>
public sealed class TagTruthTests
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    [Fact]
    public async Task Tag_ThatMoves_IsFollowedAtTheNextPull()
    {
        await using var lab = await CachingLab.StartAsync();
        var old = await lab.PushAsync("latest", 1, 1000);
        await lab.ShouldPullAsync(old, "latest");
        var renewed = await lab.PushAsync("latest", 2, 1000);
        lab.Time.Advance(Second);
        await lab.ShouldPullAsync(renewed, "latest");
        await lab.ShouldPullAsync(lab.Manifest(old.Digest), old.Manifest);
        using var head = await lab.HeadAsync(lab.Manifest("latest"));
        head.Headers.GetValues("Docker-Content-Digest").ShouldBe([renewed.Digest.ToString()]);
    }

    [Fact]
    public async Task Tag_ThatIsTheSame_CostsAHeadAlone()
    {
        await using var lab = await CachingLab.StartAsync();
        var image = await lab.PushAsync("v1", 1, 1000);
        await lab.ShouldPullAsync(image, "v1");
        lab.Proxy.Forget();
        for (var i = 0; i < 3; i++)
        {
            lab.Time.Advance(Second);
            await lab.ShouldPullAsync(image, "v1");
        }
        lab.Proxy.Requests.Select(static asked => asked.Method).ShouldBe(["HEAD", "HEAD", "HEAD"]);
    }

    [Fact]
    public async Task Tag_AskedForByManyAtOnce_IsAskedForOnce()
    {
        await using var lab = await CachingLab.StartAsync();
        var image = await lab.PushAsync("v1", 1, 1000);
        await lab.ShouldPullAsync(image, "v1");
        lab.Time.Advance(TimeSpan.FromSeconds(10));
        lab.Proxy.Forget();
        var gate = new Gate();
        lab.Proxy.Add(new Fault { Of = Fault.Head("/manifests/"), Gate = gate, GateAt = -1 });
        var pulls = Enumerable.Range(0, 60).Select(_ => lab.PullAsync(lab.Manifest("v1"))).ToList();
        await gate.Reached;
        gate.Open();
        (await Task.WhenAll(pulls)).ShouldAllBe(pull => pull.Status == HttpStatusCode.OK);
        lab.Proxy.Requests.Count.ShouldBe(1);
    }

    [Fact]
    public async Task Tag_WithinRevalidateAfter_IsNotAskedFor()
    {
        await using var lab = await CachingLab.StartAsync(new LabPlan { Cache = cache => cache with { Tags = cache.Tags with { RevalidateAfter = TimeSpan.FromMinutes(10) } } });
        var old = await lab.PushAsync("v1", 1, 1000);
        await lab.ShouldPullAsync(old, "v1");
        var renewed = await lab.PushAsync("v1", 2, 1000);
        lab.Proxy.Forget();
        lab.Time.Advance(TimeSpan.FromMinutes(9));
        await lab.ShouldPullAsync(lab.Manifest("v1"), old.Manifest);
        lab.Proxy.Requests.ShouldBeEmpty();
        lab.Time.Advance(TimeSpan.FromMinutes(2));
        await lab.ShouldPullAsync(lab.Manifest("v1"), renewed.Manifest);
        lab.Time.Advance(TimeSpan.FromMinutes(9));
        lab.Proxy.Forget();
        await lab.ShouldPullAsync(lab.Manifest("v1"), renewed.Manifest);
        lab.Proxy.Requests.ShouldBeEmpty();
    }

    /// <summary>By a clock that ran ahead when it was confirmed: nobody knows how long ago that was, so that it is asked for.</summary>
    [Fact]
    public async Task Tag_ConfirmedInTheFuture_IsAskedFor()
    {
        await using var lab = await CachingLab.StartAsync(new LabPlan { Cache = cache => cache with { Tags = cache.Tags with { RevalidateAfter = TimeSpan.FromMinutes(10) } } });
        await lab.ShouldPullAsync(await lab.PushAsync("v1", 1, 1000), "v1");
        await lab.Server.ChangeAsync($"UPDATE upstream_tags SET confirmed_at = {lab.Time.GetUtcNow().AddDays(1).ToUnixTimeMilliseconds()}");
        var renewed = await lab.PushAsync("v1", 2, 1000);
        lab.Time.Advance(Second);
        await lab.ShouldPullAsync(renewed, "v1");
        // By the clock as it is now.
        lab.Proxy.Forget();
        lab.Time.Advance(TimeSpan.FromMinutes(9));
        await lab.ShouldPullAsync(lab.Manifest("v1"), renewed.Manifest);
        lab.Proxy.Requests.ShouldBeEmpty();
    }

    /// <summary>What a hotel's network answers instead of the registry.</summary>
    [Fact]
    public async Task KnownTag_BehindARedirectToASignInPage_IsServedStale()
    {
        await using var lab = await CachingLab.StartAsync();
        var image = await lab.PushAsync("v1", 1, 1000);
        await lab.ShouldPullAsync(image, "v1");
        await using var portal = FaultProxy.Start(new Uri("http://127.0.0.1:9"));
        portal.Add(new Fault { Of = Fault.Any("/"), Status = 200, Body = "<html>Please sign in</html>"u8.ToArray(), Headers = [("Content-Type", "text/html; charset=utf-8")] });
        lab.Proxy.Add(new Fault { Of = Fault.Any("/"), RedirectTo = portal.Address });
        lab.Time.Advance(Second);
        using (var stale = await lab.OpenAsync(lab.Manifest("v1")))
        {
            stale.StatusCode.ShouldBe(HttpStatusCode.OK);
            stale.Headers.GetValues("Warning").Single().ShouldStartWith("110 ");
            (await stale.Content.ReadAsByteArrayAsync()).ShouldBe(image.Manifest);
        }
        (await lab.IncidentAsync("upstream", lab.Name)).Detail.ShouldContain("page of HTML");
        var (status, body, _) = await lab.PullAsync(lab.Manifest("unknown"));
        status.ShouldBe(HttpStatusCode.BadGateway);
        Encoding.UTF8.GetString(body).ShouldContain("page of HTML");
        lab.Proxy.Heal();
        lab.Time.Advance(TimeSpan.FromMinutes(2));
        using var fresh = await lab.OpenAsync(lab.Manifest("v1"));
        fresh.Headers.Contains("Warning").ShouldBeFalse();
    }

    [Theory, Promise("P8")]
    [InlineData("down")]
    [InlineData("500")]
    [InlineData("503")]
    [InlineData("429")]
    [InlineData("slow")]
    [InlineData("html")]
    [InlineData("get-429")]
    [InlineData("get-404")]
    [InlineData("get-wrong")]
    public async Task Upstream_ThatDoesNotSay_LeavesTheLastKnownMarkedAsStale(string trouble)
    {
        await using var lab = await CachingLab.StartAsync(new LabPlan
        {
            Cache = cache => cache with { Upstream = cache.Upstream with { AnswerTimeout = TimeSpan.FromSeconds(1) } },
        });
        var image = await lab.PushAsync("v1", 1, 1000);
        await lab.ShouldPullAsync(image, "v1");
        await lab.PushAsync("v1", 2, 1000);
        var gate = new Gate();
        await TroubleAsync(lab, trouble, gate);
        lab.Time.Advance(TimeSpan.FromDays(29));

        using var stale = await lab.OpenAsync(lab.Manifest("v1"));
        stale.StatusCode.ShouldBe(HttpStatusCode.OK);
        stale.Headers.GetValues("Warning").Single().ShouldStartWith("110 ");
        stale.Headers.Age!.Value.TotalDays.ShouldBeInRange(28.9, 29.1);
        (await stale.Content.ReadAsByteArrayAsync()).ShouldBe(image.Manifest);
        (await lab.MetricAsync($"holdfast_cache_stale_answers_total{{cache=\"{lab.Name}\"}}")).ShouldBe(1);
        await lab.IncidentAsync("upstream", lab.Name);
        foreach (var blob in image.Blobs)
            await lab.ShouldPullAsync(lab.Blob(blob), blob);
        if (!trouble.StartsWith("get", StringComparison.Ordinal))
        {
            using var head = await lab.HeadAsync(lab.Manifest("v1"));
            head.StatusCode.ShouldBe(HttpStatusCode.OK);
            head.Headers.GetValues("Warning").Single().ShouldStartWith("110 ");
        }

        lab.Time.Advance(TimeSpan.FromDays(2));
        ((int)(await lab.PullAsync(lab.Manifest("v1"))).Status).ShouldBeOneOf(502, 429);
        await lab.ShouldPullAsync(lab.Manifest(image.Digest), image.Manifest);

        gate.Open();
        lab.Proxy.Heal();
        if (trouble == "down")
            lab.Proxy.Revive();
        lab.Time.Advance(TimeSpan.FromHours(2));
        using var fresh = await lab.OpenAsync(lab.Manifest("v1"));
        fresh.StatusCode.ShouldBe(HttpStatusCode.OK);
        fresh.Headers.Contains("Warning").ShouldBeFalse();
        (await fresh.Content.ReadAsByteArrayAsync()).ShouldNotBe(image.Manifest);
        await Eventually.ShouldBeAsync(() => lab.OpenIncidentsAsync("upstream", lab.Name), 0);
    }

    [Theory]
    [InlineData(401, 403)]
    [InlineData(403, 403)]
    public async Task Upstream_ThatRefuses_IsBelieved(int status, int answer)
    {
        await using var lab = await CachingLab.StartAsync();
        var image = await lab.PushAsync("v1", 1, 1000);
        await lab.ShouldPullAsync(image, "v1");
        lab.Proxy.Add(new Fault { Of = Fault.Any("/manifests/"), Status = status });
        lab.Time.Advance(Second);
        var (refused, body, _) = await lab.PullAsync(lab.Manifest("v1"));
        ((int)refused).ShouldBe(answer);
        Encoding.UTF8.GetString(body).ShouldContain("DENIED");
        (await lab.OpenIncidentsAsync("upstream", lab.Name)).ShouldBe(0);
    }

    /// <summary>An expired password must not look like an upstream that has no such image.</summary>
    [Theory, Promise("P8")]
    [InlineData("Basic realm=\"there\"")]
    [InlineData("Bearer realm=\"$/token\",service=\"there\"")]
    public async Task Upstream_ThatRefusesTheCachesPassword_IsAnIncidentUntilItTakesIt(string challenge)
    {
        var password = Path.GetTempFileName();
        await File.WriteAllTextAsync(password, "expired\n");
        await using var lab = await CachingLab.StartAsync(new LabPlan { Cache = cache => cache with { Upstream = cache.Upstream with { Username = "bot", PasswordFile = password } } });
        File.Delete(password);
        var image = await lab.PushAsync("v1", 1, 1000);
        await lab.ShouldPullAsync(image, "v1");
        lab.Proxy.Add(new Fault { Of = Fault.Any("/"), Status = 401, Headers = [("WWW-Authenticate", challenge.Replace("$", lab.Proxy.Address.GetLeftPart(UriPartial.Authority), StringComparison.Ordinal))] });
        lab.Time.Advance(Second);
        (await lab.PullAsync(lab.Manifest("v1"))).Status.ShouldBe(HttpStatusCode.Forbidden);
        await Eventually.ShouldBeAsync(() => lab.OpenIncidentsAsync("upstream", lab.Name), 1);
        (await lab.Server.Admin.GetStringAsync("/api/v1/caches")).ShouldContain("refuses the user or password");
        await lab.ShouldPullAsync(lab.Manifest(image.Digest), image.Manifest);
        lab.Proxy.Heal();
        lab.Time.Advance(10 * Second);
        await lab.ShouldPullAsync(image, "v1");
        await Eventually.ShouldBeAsync(() => lab.OpenIncidentsAsync("upstream", lab.Name), 0);
    }

    /// <summary>While nobody asks it, what it did last is what is wrong with it, and not how long the rest goes on.</summary>
    [Fact]
    public async Task Upstream_ThatRests_IsToldOfOnce()
    {
        await using var lab = await CachingLab.StartAsync();
        var image = await lab.PushAsync("v1", 1, 1000);
        await lab.ShouldPullAsync(image, "v1");
        lab.Proxy.Add(new Fault { Of = Fault.Any("/"), Status = 429, Headers = [("Retry-After", "300")] });
        string? told = null;
        for (var pull = 0; pull < 4; pull++)
        {
            lab.Time.Advance(Second);
            await lab.ShouldPullAsync(image, "v1");
            var now = JsonDocument.Parse(await lab.Server.Admin.GetStringAsync("/api/v1/caches")).RootElement.GetProperty("caches")[0].GetProperty("problem").GetString();
            now.ShouldNotBeNull().ShouldContain("429");
            now.ShouldBe(told ??= now);
        }
    }

    /// <summary>Who asks while a manifest is still on its way is not answered with where the tag was when that began.</summary>
    [Fact]
    public async Task Tag_ThatMovesWhileItsManifestComes_IsFollowedByWhoAsksThen()
    {
        await using var lab = await CachingLab.StartAsync();
        var (before, gate) = (await lab.PushAsync("v1", 1, 1000), new Gate());
        lab.Proxy.Add(new Fault { Of = Fault.Get($"/manifests/{before.Digest}"), Gate = gate, GateAt = 10 });
        var first = lab.PullAsync(lab.Manifest("v1"));
        await gate.Reached;
        var after = await lab.PushAsync("v1", 2, 1000);
        lab.Time.Advance(Second);
        await lab.ShouldPullAsync(lab.Manifest("v1"), after.Manifest);
        gate.Open();
        (await first).Status.ShouldBe(HttpStatusCode.OK);
        lab.Time.Advance(Second);
        await lab.ShouldPullAsync(lab.Manifest("v1"), after.Manifest);
    }

    /// <summary>Its silence takes nothing back of what it said.</summary>
    [Fact]
    public async Task Upstream_ThatRefusedAndIsGoneNow_IsStillBelieved()
    {
        await using var lab = await CachingLab.StartAsync();
        var image = await lab.PushAsync("v1", 1, 1000);
        await lab.ShouldPullAsync(image, "v1");
        lab.Proxy.Add(new Fault { Of = Fault.Any("/manifests/"), Status = 401 });
        lab.Time.Advance(Second);
        (await lab.PullAsync(lab.Manifest("v1"))).Status.ShouldBe(HttpStatusCode.Forbidden);
        lab.Proxy.Heal();
        await lab.Proxy.KillAsync();
        lab.Time.Advance(Second);
        (await lab.PullAsync(lab.Manifest("v1"))).Status.ShouldBe(HttpStatusCode.Forbidden);
        lab.Proxy.Revive();
        lab.Time.Advance(TimeSpan.FromMinutes(2));
        await lab.ShouldPullAsync(image, "v1");
        await lab.Proxy.KillAsync();
        lab.Time.Advance(TimeSpan.FromMinutes(2));
        await lab.ShouldPullAsync(image, "v1");
    }

    [Fact]
    public async Task Tag_ThatVanished_Is404ByTagAndThereByDigest()
    {
        await using var lab = await CachingLab.StartAsync();
        var image = await lab.PushAsync("v1", 1, 1000);
        await lab.ShouldPullAsync(image, "v1");
        (await lab.Origin.DeleteAsync(lab.Manifest("v1"))).StatusCode.ShouldBe(HttpStatusCode.Accepted);
        lab.Time.Advance(Second);
        (await lab.PullAsync(lab.Manifest("v1"))).Status.ShouldBe(HttpStatusCode.NotFound);
        (await lab.HeadAsync(lab.Manifest("v1"))).StatusCode.ShouldBe(HttpStatusCode.NotFound);
        await lab.ShouldPullAsync(lab.Manifest(image.Digest), image.Manifest);
        foreach (var blob in image.Blobs)
            await lab.ShouldPullAsync(lab.Blob(blob), blob);
        // That the upstream says nothing any more does not bring it back.
        lab.Proxy.Add(new Fault { Of = Fault.Any("/manifests/"), Status = 500 });
        lab.Time.Advance(TimeSpan.FromMinutes(2));
        ((int)(await lab.PullAsync(lab.Manifest("v1"))).Status).ShouldBe(502);
        lab.Proxy.Heal();
        await lab.Origin.PushManifestAsync(CachingLab.Repository, "v1", image.Manifest);
        lab.Time.Advance(TimeSpan.FromMinutes(2));
        await lab.ShouldPullAsync(image, "v1");
    }

    [Fact]
    public async Task Tag_ThatVanished_IsServedMarkedIfSoConfigured()
    {
        await using var lab = await CachingLab.StartAsync(new LabPlan { Cache = cache => cache with { Tags = cache.Tags with { KeepVanished = true } } });
        var image = await lab.PushAsync("v1", 1, 1000);
        await lab.ShouldPullAsync(image, "v1");
        await lab.Origin.DeleteAsync(lab.Manifest("v1"));
        for (var i = 0; i < 3; i++)
        {
            lab.Time.Advance(TimeSpan.FromDays(20)); // Longer than a stale one would be served.
            using var marked = await lab.OpenAsync(lab.Manifest("v1"));
            marked.StatusCode.ShouldBe(HttpStatusCode.OK);
            marked.Headers.GetValues("Warning").Single().ShouldStartWith("199 ");
            (await marked.Content.ReadAsByteArrayAsync()).ShouldBe(image.Manifest);
        }
        (await lab.PullAsync(lab.Manifest("never"))).Status.ShouldBe(HttpStatusCode.NotFound);
    }

    /// <summary>Bytes as they were pushed, however odd; nothing is rewritten.</summary>
    [Fact]
    public async Task Digests_NeverChange()
    {
        await using var lab = await CachingLab.StartAsync();
        var image = await lab.PushAsync("v1", 1, 1000);
        var odd = Encoding.UTF8.GetBytes(Encoding.UTF8.GetString(image.Manifest).Replace(",", " ,\n\t", StringComparison.Ordinal) + "\n \n");
        var digest = await lab.Origin.PushManifestAsync(CachingLab.Repository, "odd", odd);
        var index = Samples.Index(odd, image.Manifest);
        await lab.Origin.PushManifestAsync(CachingLab.Repository, "both", index, MediaTypes.OciIndex);
        for (var i = 0; i < 2; i++)
        {
            await lab.ShouldPullAsync(lab.Manifest("odd"), odd);
            await lab.ShouldPullAsync(lab.Manifest(digest), odd);
            await lab.ShouldPullAsync(lab.Manifest("both"), index);
            lab.Time.Advance(Second);
            await lab.Server.RestartAsync();
        }
    }

    [Fact]
    public async Task TooManyRequests_StopAskingUntilItMay()
    {
        await using var lab = await CachingLab.StartAsync();
        var image = await lab.PushAsync("v1", 1, 1000);
        await lab.ShouldPullAsync(image, "v1");
        lab.Proxy.Add(new Fault { Of = Fault.Any("/"), Status = 429, Headers = [("Retry-After", "300"), ("ratelimit-limit", "100;w=21600"), ("ratelimit-remaining", "0;w=21600")] });
        lab.Time.Advance(Second);
        await lab.ShouldPullAsync(lab.Manifest("v1"), image.Manifest);
        lab.Proxy.Forget();
        for (var i = 0; i < 5; i++)
        {
            lab.Time.Advance(TimeSpan.FromSeconds(50));
            using var stale = await lab.OpenAsync(lab.Manifest("v1"));
            stale.StatusCode.ShouldBe(HttpStatusCode.OK);
            using var refused = await lab.OpenAsync(lab.Manifest($"unknown{i}"));
            refused.StatusCode.ShouldBe(HttpStatusCode.TooManyRequests);
            refused.Headers.RetryAfter!.Delta!.Value.TotalSeconds.ShouldBeInRange(1, 300);
        }
        lab.Proxy.Requests.ShouldBeEmpty();
        var line = $"holdfast_upstream_ratelimit_remaining{{cache=\"{lab.Name}\"";
        (await lab.Http.GetStringAsync("/metrics")).ShouldContain(line);
        (await lab.MetricAsync(line)).ShouldBe(0);
        lab.Proxy.Heal();
        lab.Time.Advance(TimeSpan.FromSeconds(60));
        using var fresh = await lab.OpenAsync(lab.Manifest("v1"));
        fresh.Headers.Contains("Warning").ShouldBeFalse();
    }

    [Fact]
    public async Task Tags_AreTheUpstreams_AndTheLastKnownWhileItIsGone()
    {
        await using var lab = await CachingLab.StartAsync();
        var image = await lab.PushAsync("b", 1, 1000);
        foreach (var tag in new[] { "a", "c", "d" })
            await lab.Origin.PushManifestAsync(CachingLab.Repository, tag, image.Manifest);
        await lab.ShouldPullAsync(lab.Manifest("c"), image.Manifest);
        (await TagsAsync(lab, "")).Tags.ShouldBe(["a", "b", "c", "d"]);
        var page = await TagsAsync(lab, "?n=2");
        page.Tags.ShouldBe(["a", "b"]);
        page.Link.ShouldNotBeNull();
        (await TagsAsync(lab, "?n=2&last=b")).Tags.ShouldBe(["c", "d"]);
        // One list for each first page; the pages after it are of the same list, for a minute.
        lab.Proxy.Count("GET", "/tags/list").ShouldBe(2);
        await lab.Origin.PushManifestAsync(CachingLab.Repository, "e", image.Manifest);
        (await TagsAsync(lab, "?n=5&last=b")).Tags.ShouldBe(["c", "d"]);
        lab.Time.Advance(TimeSpan.FromMinutes(1));
        (await TagsAsync(lab, "?n=5&last=b")).Tags.ShouldBe(["c", "d", "e"]);
        await lab.Proxy.KillAsync();
        (await TagsAsync(lab, "")).Tags.ShouldBe(["c"]);
    }

    /// <summary>On the listener of all caches the next page is of the same one.</summary>
    [Fact]
    public async Task Tags_InPagesOfEveryCachesListener_KeepTheNamespace()
    {
        await using var lab = await CachingLab.StartAsync();
        var image = await lab.PushAsync("a", 1, 1000);
        await lab.Origin.PushManifestAsync(CachingLab.Repository, "b", image.Manifest);
        using var first = await lab.OpenAsync($"/v2/{CachingLab.Repository}/tags/list?n=1&ns=registry.example", listener: 2);
        var link = first.Headers.GetValues("Link").Single();
        using var next = await lab.OpenAsync(link[1..link.IndexOf('>')], listener: 2);
        next.StatusCode.ShouldBe(HttpStatusCode.OK);
        (await next.JsonAsync()).GetProperty("tags").EnumerateArray().Select(static tag => tag.GetString()).ShouldBe(["b"]);
    }

    [Fact]
    public async Task Referrers_AreTheUpstreams_OrThoseOfThemThatAreKeptWhileItIsAway()
    {
        await using var lab = await CachingLab.StartAsync();
        var image = await lab.PushAsync("v1", 1, 1000);
        var signature = Samples.ImageJson(image.Blobs[0]);
        signature["artifactType"] = "application/vnd.example.signature";
        signature["subject"] = Samples.Descriptor(MediaTypes.OciManifest, image.Manifest);
        var digest = await lab.Origin.PushManifestAsync(CachingLab.Repository, null, Samples.Json(signature));
        var path = $"/v2/{CachingLab.Repository}/referrers/{image.Digest}";
        foreach (var (query, count) in new[] { ("", 1), ("?artifactType=application/vnd.example.signature", 1), ("?artifactType=other", 0) })
        {
            using var response = await lab.OpenAsync(path + query);
            response.Content.Headers.ContentType!.MediaType.ShouldBe(MediaTypes.OciIndex);
            var listed = (await response.JsonAsync()).GetProperty("manifests").EnumerateArray().Select(static one => one.GetProperty("digest").GetString()).ToList();
            listed.ShouldBe(count == 1 ? [digest.ToString()] : []);
        }
        // Of what was fetched it is known that it is there; of what was not, nothing.
        using (var fetched = await lab.OpenAsync(lab.Manifest(digest.ToString())))
            fetched.StatusCode.ShouldBe(HttpStatusCode.OK);
        await lab.Proxy.KillAsync();
        foreach (var query in new[] { "", "?artifactType=application/vnd.example.signature" })
        {
            using var stale = await lab.OpenAsync(path + query);
            stale.StatusCode.ShouldBe(HttpStatusCode.OK);
            stale.Headers.Warning.ShouldHaveSingleItem().Code.ShouldBe(110);
            (await stale.JsonAsync()).GetProperty("manifests").EnumerateArray().Select(static one => one.GetProperty("digest").GetString()).ShouldBe([digest.ToString()]);
        }
        foreach (var unknown in new[] { path + "?artifactType=other", path.Replace(image.Digest.ToString(), digest.ToString(), StringComparison.Ordinal) })
            (await lab.PullAsync(unknown)).Status.ShouldBe(HttpStatusCode.BadGateway);
    }

    /// <summary>GitHub's registry and registry:2 have no such list; an empty one would tell clients that there are no signatures, whose tags they then don't look for.</summary>
    [Fact]
    [Spec("1.1.1", "end-12a")]
    public async Task Referrers_OfAnUpstreamWithoutThatList_Are404_AndHaveTheirTag()
    {
        await using var lab = await CachingLab.StartAsync();
        var image = await lab.PushAsync("v1", 1, 1000);
        var tag = image.Digest.ToString().Replace(':', '-');
        var list = Samples.Index();
        await lab.Origin.PushManifestAsync(CachingLab.Repository, tag, list, MediaTypes.OciIndex);
        lab.Proxy.Add(new Fault { Of = Fault.Any("/referrers/"), Status = 404 });
        (await lab.PullAsync($"/v2/{CachingLab.Repository}/referrers/{image.Digest}")).Status.ShouldBe(HttpStatusCode.NotFound);
        await lab.ShouldPullAsync(lab.Manifest(tag), list);
        await lab.Proxy.KillAsync();
        await lab.ShouldPullAsync(lab.Manifest(tag), list);
    }

    private static async Task<(List<string?> Tags, string? Link)> TagsAsync(CachingLab lab, string query)
    {
        using var response = await lab.OpenAsync($"/v2/{CachingLab.Repository}/tags/list{query}");
        response.StatusCode.ShouldBe(HttpStatusCode.OK);
        var tags = (await response.JsonAsync()).GetProperty("tags").EnumerateArray().Select(static tag => tag.GetString()).ToList();
        return (tags, response.Headers.TryGetValues("Link", out var links) ? links.Single() : null);
    }

    private static async Task TroubleAsync(CachingLab lab, string trouble, Gate gate)
    {
        if (trouble == "down")
        {
            await lab.Proxy.KillAsync();
            return;
        }
        var html = Encoding.UTF8.GetBytes("<html></html>");
        lab.Proxy.Add(trouble switch
        {
            "slow" => new Fault { Of = Fault.Any("/manifests/"), Gate = gate, GateAt = -1 },
            "html" => new Fault { Of = Fault.Any("/manifests/"), Status = 200, Body = html, Headers = [("Content-Type", "text/html")] },
            "get-429" => new Fault { Of = Fault.Get("/manifests/"), Status = 429, Headers = [("Retry-After", "60")] },
            "get-404" => new Fault { Of = Fault.Get("/manifests/"), Status = 404 },
            "get-wrong" => new Fault { Of = Fault.Get("/manifests/"), Flip = 10 },
            _ => new Fault { Of = Fault.Any("/manifests/"), Status = int.Parse(trouble) },
        });
    }
}
