using System.Diagnostics;
using System.Globalization;
using Holdfast.Client.Walk;
using Holdfast.Oci;
using Holdfast.Server.Tests.Hosting;
using Holdfast.Testing;
using Microsoft.AspNetCore.Http;
using Shouldly;
using Xunit;

namespace Holdfast.Client.Tests.Walk;

/// <summary>Registries that want to keep whoever asks busy, or to get what isn't theirs.</summary>
public class HostileTests
{
    [Fact]
    [Promise("P10")]
    public async Task Catalogue_WhosePagesNeverEnd_IsUnusableAfterAHundredOrSo()
    {
        await using var upstream = await Upstream.StartAsync((context, number) =>
        {
            context.Response.Headers.Link = string.Create(CultureInfo.InvariantCulture, $"</v2/_catalog?last={number}>; rel=\"next\"");
            return context.AnswerAsync(200, $"{{\"repositories\":[\"r{number}\"]}}");
        });
        using var client = new RegistryClient(Walking.Options(upstream.Address));

        var answer = await client.ListRepositoriesAsync(CancellationToken.None);

        answer.Outcome.ShouldBe(RegistryOutcome.Unusable);
        answer.Failure!.Detail.ShouldContain("without end");
        upstream.Requests.Count.ShouldBeLessThan(200);
    }

    [Fact]
    [Promise("P10")]
    public async Task Catalogue_ThatIsHuge_IsRefusedAtALimit()
    {
        await using var upstream = await Upstream.StartAsync((context, number) =>
        {
            context.Response.Headers.Link = string.Create(CultureInfo.InvariantCulture, $"</v2/_catalog?last={number}>; rel=\"next\"");
            return context.AnswerAsync(200, $"{{\"repositories\":[{string.Join(',', Enumerable.Range(0, 10_000).Select(i => $"\"r{number}-{i}\""))}]}}");
        });
        using var client = new RegistryClient(Walking.Options(upstream.Address));

        (await client.ListRepositoriesAsync(CancellationToken.None)).Failure!.Detail.ShouldContain("more than 200000");
    }

    [Fact]
    public async Task Catalogue_OfAFewThousand_IsReadPageAfterPage()
    {
        await using var upstream = await Upstream.StartAsync((context, number) =>
        {
            if (number < 30)
                context.Response.Headers.Link = string.Create(CultureInfo.InvariantCulture, $"</v2/_catalog?last={number}>; rel=\"next\"");
            // The last of each page comes again as the first of the next, as in a catalogue that grows meanwhile.
            return context.AnswerAsync(200, $"{{\"repositories\":[{string.Join(',', Enumerable.Range(number * 100, 101).Select(i => $"\"r{i}\""))}]}}");
        });
        using var client = new RegistryClient(Walking.Options(upstream.Address));

        (await client.ListRepositoriesAsync(CancellationToken.None)).Value.Count.ShouldBe(3_001);
    }

    [Theory]
    [InlineData("text/html", "<html><body>Sign in</body></html>", "HTML")]
    [InlineData("application/json", """{"repositories":["../../etc"]}""", "no repository name")]
    [InlineData("application/json", """{"repositories":{}}""", "no array")]
    public async Task Catalogue_ThatIsNone_IsUnusable(string type, string body, string said)
    {
        await using var upstream = await Upstream.StartAsync((context, _) =>
        {
            context.Response.ContentType = type;
            return context.AnswerAsync(200, body);
        });
        using var client = new RegistryClient(Walking.Options(upstream.Address));

        var failure = (await client.ListRepositoriesAsync(CancellationToken.None)).Failure.ShouldNotBeNull();

        failure.Outcome.ShouldBe(RegistryOutcome.Unusable);
        failure.Detail.ShouldContain(said);
    }

    [Theory]
    [InlineData("page", FindingKind.Unreadable, "HTML")]
    [InlineData("401", FindingKind.Unchecked, "wants a user name")]
    [InlineData("redirect", FindingKind.Unreadable, "redirects")]
    [InlineData("packed", FindingKind.Unreadable, "gzip")]
    [InlineData("too long", FindingKind.Unreadable, "")]
    [InlineData("too short", FindingKind.WrongBytes, "")]
    public async Task Manifest_ThatIsAnsweredOddly_IsAFindingAndTheWalkEnds(string way, FindingKind kind, string said)
    {
        var content = new FakeContent();
        content.Tags["v1"] = content.AddImage(1);
        content.Instead = (context, path) => path.EndsWith("/manifests/v1", StringComparison.Ordinal) ? AnswerAsync(context, way, content.Manifests.Values.Single().Bytes, content.Tags["v1"]) : FakeContent.AsUsual;
        await using var upstream = await content.StartAsync();

        var finding = (await Walking.ReferenceAsync(upstream, "v1")).OnlyFinding();

        finding.Problem.Kind.ShouldBe(kind, finding.Problem.Answer);
        finding.Problem.Answer.ShouldContain(said);
        upstream.Requests.Count.ShouldBeLessThan(30);
    }

    private static Task AnswerAsync(HttpContext context, string way, byte[] bytes, Digest digest)
    {
        context.Response.Headers["Docker-Content-Digest"] = digest.ToString();
        switch (way)
        {
            case "page":
                context.Response.ContentType = "text/html; charset=utf-8";
                return context.AnswerAsync(200, "<html>welcome</html>");
            case "401":
                return context.ChallengeAsync("Basic realm=\"again\"");
            case "redirect":
                return context.RedirectAsync(context.Request.Path);
            case "packed":
                context.Response.Headers.ContentEncoding = "gzip";
                return context.SendAsync(bytes);
            case "too long":
                context.Response.ContentLength = bytes.Length + 10;
                return context.Response.Body.WriteAsync(bytes).AsTask();
            default:
                return context.SendAsync(bytes[..^10]);
        }
    }

    [Fact]
    public async Task Registry_ThatAnswers401ForEver_IsAskedTwiceForEachObject()
    {
        await using var upstream = await Upstream.StartAsync((context, _) => context.ChallengeAsync("Basic realm=\"again\""));
        using var client = new RegistryClient(new RegistryClientOptions { Registry = upstream.Address, Username = "a", Password = "b", Patience = TimeSpan.FromMinutes(5), Retries = 2 });

        (await client.GetManifestAsync(Samples.Repository, Tag.Parse("v1"), CancellationToken.None)).Outcome.ShouldBe(RegistryOutcome.Denied);

        upstream.Requests.Count.ShouldBe(2);
    }

    [Fact]
    public async Task SlowDown_ForAMoment_IsWaitedForAndTold()
    {
        var content = new FakeContent();
        content.Tags["v1"] = content.AddImage(1);
        var refused = 0;
        content.Instead = (context, path) =>
        {
            if (!path.Contains("/blobs/", StringComparison.Ordinal) || Interlocked.Increment(ref refused) > 2)
                return FakeContent.AsUsual;
            context.Response.Headers.RetryAfter = "2";
            return context.AnswerAsync(429);
        };
        await using var upstream = await content.StartAsync();
        var time = new ManualTime();
        var told = 0;
        using var client = new RegistryClient(new RegistryClientOptions
        {
            Registry = upstream.Address,
            Time = time,
            Patience = TimeSpan.FromMinutes(5),
            Waiting = (_, _) => Interlocked.Increment(ref told),
        });
        using var walk = new ClosureWalk(client, new WalkOptions());

        var walking = walk.WalkAsync(Samples.Repository, Tag.Parse("v1"), "v1", CancellationToken.None);
        while (!walking.IsCompleted)
        {
            time.Advance(TimeSpan.FromSeconds(1));
            await Task.Delay(5);
        }

        (await walking).FindingCount.ShouldBe(0);
        told.ShouldBe(2);
    }

    [Theory]
    [InlineData("3600")]
    [InlineData(null)]
    [Promise("P10")]
    public async Task SlowDown_ForAnHour_IsUncheckedForAllObjectsWithoutWaitingForEach(string? retryAfter)
    {
        var content = new FakeContent();
        content.Tags["v1"] = content.AddIndex([.. Enumerable.Range(1, 10).Select(i => (content.AddImage(i), $"linux/a{i}"))]);
        content.Instead = (context, path) =>
        {
            if (!path.Contains("/blobs/", StringComparison.Ordinal))
                return FakeContent.AsUsual;
            context.Response.Headers.RetryAfter = retryAfter;
            return context.AnswerAsync(429);
        };
        await using var upstream = await content.StartAsync();
        var time = new ManualTime();
        var began = time.GetUtcNow();
        using var client = new RegistryClient(new RegistryClientOptions { Registry = upstream.Address, Time = time, Patience = TimeSpan.FromMinutes(5) });
        using var walk = new ClosureWalk(client, new WalkOptions());

        var walking = walk.WalkAsync(Samples.Repository, Tag.Parse("v1"), "v1", CancellationToken.None);
        while (!walking.IsCompleted)
        {
            time.Advance(TimeSpan.FromSeconds(1));
            await Task.Delay(5);
        }

        var findings = (await walking).Roots.Single().Findings;
        findings.Count.ShouldBe(30);
        findings.ShouldAllBe(finding => finding.Problem.Kind == FindingKind.Unchecked);
        (time.GetUtcNow() - began).ShouldBeLessThan(TimeSpan.FromMinutes(15));
    }

    [Fact]
    public async Task Registry_ThatGoesAway_IsNotAskedForEachObject()
    {
        var content = new FakeContent();
        content.Tags["v1"] = content.AddIndex([.. Enumerable.Range(1, 60).Select(i => (content.AddImage(i), $"linux/a{i}"))]);
        content.Instead = (context, path) =>
        {
            if (path.Contains("/blobs/", StringComparison.Ordinal))
                context.Abort();
            return path.Contains("/blobs/", StringComparison.Ordinal) ? Task.CompletedTask : FakeContent.AsUsual;
        };
        await using var upstream = await content.StartAsync();
        var watch = Stopwatch.StartNew();

        var findings = (await Walking.ReferenceAsync(upstream, "v1")).Roots.Single().Findings;

        findings.Count.ShouldBeGreaterThanOrEqualTo(60);
        findings.ShouldAllBe(finding => finding.Problem.Kind == FindingKind.Unchecked);
        upstream.Requests.Count(seen => seen.Target.Contains("/blobs/", StringComparison.Ordinal)).ShouldBeLessThan(100);
        watch.Elapsed.ShouldBeLessThan(TimeSpan.FromSeconds(30));
    }

    [Fact]
    public async Task TokenRealm_OnAnotherHost_GetsThePasswordAndTheRegistryOnlyTheToken()
    {
        await using var realm = await Upstream.StartAsync((context, _) => context.AnswerAsync(200, """{"token":"abc"}"""));
        await using var upstream = await Upstream.StartAsync((context, _) => context.Request.Headers.Authorization == "Bearer abc"
            ? context.AnswerAsync(200, """{"tags":[]}""")
            : context.ChallengeAsync($"Bearer realm=\"{realm.Address}token\",service=\"x\""));
        using var client = new RegistryClient(new RegistryClientOptions { Registry = upstream.Address, Username = Samples.User, Password = Samples.Password, PasswordOverPlainHttp = false });

        (await client.ListTagsAsync(Samples.Repository, CancellationToken.None)).Failure.ShouldBeNull();

        realm.Requests.ShouldHaveSingleItem().Authorization.ShouldBe(Samples.Basic);
        upstream.Requests.Select(seen => seen.Authorization).ShouldBe([null, "Bearer abc"]);
    }

    [Fact]
    public async Task TokenRealm_OverPlainHttpOnAnotherMachine_GetsNothingUnlessAsked()
    {
        await using var upstream = await Upstream.StartAsync((context, _) => context.ChallengeAsync("Bearer realm=\"http://registry.invalid/token\""));
        using var client = new RegistryClient(new RegistryClientOptions { Registry = upstream.Address, Username = "a", Password = "b", PasswordOverPlainHttp = false });

        var failure = (await client.ListTagsAsync(Samples.Repository, CancellationToken.None)).Failure.ShouldNotBeNull();

        failure.Outcome.ShouldBe(RegistryOutcome.Denied);
        failure.Detail.ShouldContain("not sent");
    }

    [Theory]
    [InlineData(-10, -2, "out of date")]
    [InlineData(2, 10, "out of date")]
    public async Task Certificate_ThatIsOutOfDate_SaysSo(int from, int to, string said)
    {
        using var authority = new TestAuthority(from: from, to: to);
        await using var upstream = await Upstream.StartAsync((context, _) => context.AnswerAsync(200), authority.Use);
        foreach (var trust in new[] { null, authority.File })
        {
            using var client = Samples.Client(upstream.Address, trustFile: trust);

            var failure = (await client.PingAsync(CancellationToken.None)).Failure.ShouldNotBeNull();

            failure.Outcome.ShouldBe(RegistryOutcome.Unavailable);
            failure.Detail.ShouldContain(said);
        }
    }
}
