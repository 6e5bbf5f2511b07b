using System.Globalization;
using Holdfast.Oci;
using Holdfast.Testing;
using Microsoft.AspNetCore.Http;
using Shouldly;
using Xunit;

namespace Holdfast.Client.Tests;

/// <summary>Statuses, manifests and lists of tags as no good registry answers them.</summary>
public class AnswerTests
{
    private static readonly Reference Latest = Tag.Parse("latest");

    [Theory]
    [InlineData(404, RegistryOutcome.Unknown)]
    [InlineData(403, RegistryOutcome.Denied)]
    [InlineData(429, RegistryOutcome.SlowDown)]
    [InlineData(500, RegistryOutcome.Unavailable)]
    [InlineData(503, RegistryOutcome.Unavailable)]
    [InlineData(408, RegistryOutcome.Unavailable)]
    [InlineData(400, RegistryOutcome.Unusable)]
    [InlineData(204, RegistryOutcome.Unusable)]
    [InlineData(300, RegistryOutcome.Unusable)]
    public async Task Status_OfAnyKind_IsAnOutcome(int status, RegistryOutcome expected)
    {
        await using var upstream = await Upstream.StartAsync((context, _) =>
        {
            context.Response.StatusCode = status;
            return Task.CompletedTask;
        });
        using var client = Samples.Client(upstream.Address);

        (await client.GetManifestAsync(Samples.Repository, Latest, CancellationToken.None)).Outcome.ShouldBe(expected);
        (await client.HeadBlobAsync(Samples.Repository, Samples.DigestOf([]), CancellationToken.None)).Outcome.ShouldBe(expected);
        (await client.ListTagsAsync(Samples.Repository, CancellationToken.None)).Outcome.ShouldBe(expected);
        (await client.DownloadAsync(Samples.DigestOf([]))).Answer.Outcome.ShouldBe(expected);
    }

    [Fact]
    public async Task Detail_OfARefusal_SaysWhatTheRegistrySaid()
    {
        await using var upstream = await Upstream.StartAsync((context, _) => context.AnswerAsync(403, """{"errors":[{"code":"DENIED","message":"your plan\nhas ended"}]}"""));
        using var client = Samples.Client(upstream.Address);

        (await client.GetManifestAsync(Samples.Repository, Latest, CancellationToken.None)).Failure!.Detail
            .ShouldBe($"{upstream.Address.Authority} answered 403 Forbidden: DENIED your plan?has ended");
    }

    [Theory]
    [InlineData("120", 120, 120)]
    [InlineData("-5", null, null)]
    [InlineData("later", null, null)]
    [InlineData("date", 80, 91)]
    public async Task RetryAfter_OfEachKind_IsRead(string header, int? least, int? most)
    {
        await using var upstream = await Upstream.StartAsync((context, _) =>
        {
            context.Response.Headers.RetryAfter = header == "date" ? DateTimeOffset.UtcNow.AddSeconds(90).ToString("R", CultureInfo.InvariantCulture) : header;
            return context.AnswerAsync(429);
        });
        using var client = Samples.Client(upstream.Address);

        var wait = (await client.GetManifestAsync(Samples.Repository, Latest, CancellationToken.None)).Failure!.RetryAfter?.TotalSeconds;

        (wait is null).ShouldBe(least is null);
        (wait ?? 0).ShouldBeInRange(least ?? 0, most ?? 0);
    }

    [Fact]
    public async Task Registry_ThatIsNotThere_IsUnavailable()
    {
        var upstream = await Upstream.StartAsync((_, _) => Task.CompletedTask);
        using var client = Samples.Client(upstream.Address);
        await upstream.DisposeAsync();

        var failure = (await client.GetManifestAsync(Samples.Repository, Latest, CancellationToken.None)).Failure.ShouldNotBeNull();

        failure.Outcome.ShouldBe(RegistryOutcome.Unavailable);
        failure.Detail.ShouldContain("refused");
    }

    [Fact]
    public async Task Certificate_ThatNobodyVouchesFor_IsUnavailable()
    {
        using var theirs = new TestAuthority();
        using var ours = new TestAuthority();
        using var wrongName = new TestAuthority("127.0.0.2");
        await using var upstream = await Upstream.StartAsync((_, _) => Task.CompletedTask, theirs.Use);
        await using var misnamed = await Upstream.StartAsync((_, _) => Task.CompletedTask, wrongName.Use);

        (await AskAsync(upstream.Address, null)).ShouldBe(RegistryOutcome.Unavailable);
        (await AskAsync(upstream.Address, ours.File)).ShouldBe(RegistryOutcome.Unavailable);
        (await AskAsync(misnamed.Address, wrongName.File)).ShouldBe(RegistryOutcome.Unavailable);
        (await AskAsync(upstream.Address, theirs.File)).ShouldBe(RegistryOutcome.Found);

        static async Task<RegistryOutcome> AskAsync(Uri address, string? trust)
        {
            using var client = Samples.Client(address, trustFile: trust);
            return (await client.GetManifestAsync(Samples.Repository, Latest, CancellationToken.None)).Outcome;
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    [Promise("P10")]
    public async Task Manifest_ThatIsHuge_IsNotTaken(bool sized)
    {
        var huge = new byte[Manifest.MaxSizeBytes + 1];
        await using var upstream = await Upstream.StartAsync((context, _) => sized ? context.SendAsync(huge) : context.Response.Body.WriteAsync(huge).AsTask());
        using var client = Samples.Client(upstream.Address);

        (await client.GetManifestAsync(Samples.Repository, Latest, CancellationToken.None)).Outcome.ShouldBe(RegistryOutcome.Unusable);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Manifest_OfTheLargestSize_IsTaken(bool sized)
    {
        var largest = Samples.Bytes(3, Manifest.MaxSizeBytes);
        await using var upstream = await Upstream.StartAsync((context, _) => sized ? context.SendAsync(largest) : context.Response.Body.WriteAsync(largest).AsTask());
        using var client = Samples.Client(upstream.Address);

        var answer = await client.GetManifestAsync(Samples.Repository, Samples.DigestOf(largest), CancellationToken.None);

        answer.Failure.ShouldBeNull();
        answer.Value.Payload.Length.ShouldBe(largest.Length);
        upstream.Requests.Single().Accept.Split(", ").Length.ShouldBe(4);
    }

    [Fact]
    [Promise("P4")]
    public async Task Manifest_OfOtherBytes_IsMismatch()
    {
        await using var upstream = await Upstream.StartAsync((context, _) =>
        {
            context.Response.Headers["Docker-Content-Digest"] = Samples.DigestOf("right"u8.ToArray()).ToString();
            return context.SendAsync("wrong"u8.ToArray());
        });
        using var client = Samples.Client(upstream.Address);

        (await client.GetManifestAsync(Samples.Repository, Latest, CancellationToken.None)).Outcome.ShouldBe(RegistryOutcome.Mismatch);
        (await client.GetManifestAsync(Samples.Repository, Samples.DigestOf("right"u8.ToArray()), CancellationToken.None)).Outcome.ShouldBe(RegistryOutcome.Mismatch);
    }

    [Theory]
    [InlineData("""{"tags":["a","b"]}""", 2)]
    [InlineData("""{"name":"x","tags":null}""", 0)]
    [InlineData("""{"tags":[]}""", 0)]
    [InlineData("""{"name":"x"}""", null)]
    [InlineData("""{"tags":"a"}""", null)]
    [InlineData("""{"tags":["../../etc"]}""", null)]
    [InlineData("""{"tags":[7]}""", null)]
    [InlineData("""{"tags":["\ud800"]}""", null)]
    [InlineData("<html>", null)]
    [InlineData("", null)]
    public async Task Tags_InEachForm_AreReadOrUnusable(string body, int? count)
    {
        await using var upstream = await Upstream.StartAsync((context, _) => context.AnswerAsync(200, body));
        using var client = Samples.Client(upstream.Address);

        var answer = await client.ListTagsAsync(Samples.Repository, CancellationToken.None);

        answer.Outcome.ShouldBe(count is null ? RegistryOutcome.Unusable : RegistryOutcome.Found);
        if (count is not null)
            answer.Value.Count.ShouldBe(count.Value);
    }

    [Theory]
    [InlineData("</v2/team/app/tags/list?n=1000>; rel=\"next\"")]
    [InlineData("<?n={0}>; rel=next")]
    public async Task Tags_WhosePagesLeadNowhere_End(string link)
    {
        await using var upstream = await Upstream.StartAsync((context, number) =>
        {
            context.Response.Headers.Link = string.Format(CultureInfo.InvariantCulture, link, number);
            return context.AnswerAsync(200, """{"tags":[]}""");
        });
        using var client = Samples.Client(upstream.Address);

        (await client.ListTagsAsync(Samples.Repository, CancellationToken.None)).Outcome.ShouldBe(RegistryOutcome.Unusable);
        upstream.Requests.Count.ShouldBeLessThan(4);
    }

    [Theory]
    [InlineData("https://inner.invalid:8443/v2/team/app/tags/list?last=a", "/v2/team/app/tags/list?last=a")]
    [InlineData("https://inner.invalid//thief.invalid/list?last=a", "//thief.invalid/list?last=a")]
    public async Task Tags_WhoseNextPageNamesAnotherHost_AreReadFromTheRegistry(string next, string target)
    {
        await using var upstream = await Upstream.StartAsync((context, number) =>
        {
            if (number == 1)
                context.Response.Headers.Link = $"<{next}>; foo=\"1\"; rel=\"next\"";
            return context.AnswerAsync(200, number == 1 ? """{"tags":["a"]}""" : """{"tags":["b"]}""");
        });
        using var client = Samples.Client(upstream.Address);

        (await client.ListTagsAsync(Samples.Repository, CancellationToken.None)).Value.ShouldBe([Tag.Parse("a"), Tag.Parse("b")]);
        upstream.Requests.Last().Target.ShouldBe(target);
    }
}
