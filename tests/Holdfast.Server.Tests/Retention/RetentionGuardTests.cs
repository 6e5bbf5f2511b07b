using System.Net;
using System.Net.Sockets;
using System.Text;
using Holdfast.Server.Retention;
using Holdfast.Storage.Metadata;
using Holdfast.Testing;
using Shouldly;
using Xunit;

namespace Holdfast.Server.Tests.Retention;

/// <summary>What stops a run, and what it leaves behind then.</summary>
public sealed class RetentionGuardTests : IAsyncDisposable
{
    private readonly RetentionStore _store = new();

    public ValueTask DisposeAsync() => _store.DisposeAsync();

    [Theory]
    [InlineData(8, 2, 25, true)]
    [InlineData(8, 3, 25, false)]
    [InlineData(7, 2, 25, false)]
    [InlineData(4, 1, 25, true)]
    [InlineData(3, 1, 25, false)]
    [InlineData(3, 1, 0, false)]
    [InlineData(3, 2, 99, true)]
    [InlineData(3, 3, 99, false)]
    [InlineData(3, 3, 100, true)]
    public async Task Apply_MoreThanItsShare_RemovesNothingAndOpensAnIncident(int roots, int removed, int percent, bool passes)
    {
        for (var i = 0; i < roots; i++)
            _store.Push("app", i + 1, i < removed ? $"go{i}" : $"keep{i}");
        var rule = RetentionStore.Rule with { KeepTags = ["keep*"], MaxRemovedPercent = percent };
        var result = await _store.ApplyAsync(rule);
        _store.TagsOf("app").Count.ShouldBe(passes ? roots - removed : roots);
        result.WasStopped.ShouldBe(!passes);
        if (passes)
        {
            _store.OpenIncidents().ShouldBeEmpty();
            return;
        }
        var incident = _store.OpenIncidents().ShouldHaveSingleItem();
        (incident.Kind, incident.Subject).ShouldBe((IncidentKind.RetentionGuard, "main/app"));
        incident.Detail.ShouldContain(removed == roots ? "needs maxRemoved: 100%" : $"would remove {removed} of {roots} images");
        await _store.ApplyAsync(rule with { MaxRemovedPercent = 100 });
        _store.OpenIncidents().ShouldBeEmpty("the next run that passes ends it");
    }

    [Fact, Promise("P6")]
    public async Task Apply_LostIndex_LeavesWhatItMayList()
    {
        var children = new[] { _store.Push("app", 1), _store.Push("app", 2) };
        var index = _store.PushIndex("app", children, "multi");
        for (var i = 10; i < 20; i++)
            _store.Push("app", i, $"v{i}");
        var elsewhere = _store.Push("other", 3);
        _store.Pass(100);
        var rule = RetentionStore.Rule with { UntaggedAfter = TimeSpan.FromDays(7) };
        _store.Lose(index);

        var result = await _store.ApplyAsync(rule);

        children.ShouldAllBe(child => _store.Has("app", child));
        _store.Has("other", elsewhere).ShouldBeFalse("nothing is lost there");
        result.WasStopped.ShouldBeTrue();
        var incident = _store.OpenIncidents().ShouldHaveSingleItem();
        (incident.Kind, incident.Subject).ShouldBe((IncidentKind.RetentionGuard, "main/app"));
        incident.Detail.ShouldContain("manifest-missing");
        _store.PushIndex("app", children, "multi").ShouldBe(index);
        await _store.ApplyAsync(rule);
        _store.OpenIncidents().ShouldBeEmpty();
        children.ShouldAllBe(child => _store.Has("app", child));
    }

    [Fact]
    public async Task Apply_RepositoryThatIsGoneSince_HasNoIncidentAnyMore()
    {
        var only = _store.Push("app", 1, "go");
        var rule = RetentionStore.Rule with { KeepTags = ["x"], MaxRemovedPercent = 25 };
        await _store.ApplyAsync(rule);
        _store.OpenIncidents().ShouldHaveSingleItem();
        _store.Delete("app", only);
        await _store.ApplyAsync(rule);
        _store.OpenIncidents().ShouldBeEmpty();
    }

    [Fact]
    public async Task Apply_ClockYearsAhead_IsHeldBackByTheGuard()
    {
        for (var i = 0; i < 20; i++)
            _store.Push("app", i + 1, $"v{i}");
        _store.Pass(3650);
        var result = await _store.ApplyAsync(RetentionStore.Rule with { KeepYoungerThan = TimeSpan.FromDays(30), MaxRemovedPercent = 25 });
        result.Removed.ShouldBe(0);
        _store.TagsOf("app").Count.ShouldBe(20);
    }

    [Fact]
    public async Task Apply_SignaturesOfGoneImages_DoNotCountForTheShare()
    {
        var images = Enumerable.Range(1, 8).Select(i => _store.Push("app", i, $"v{i}")).ToList();
        foreach (var (image, i) in images.Take(2).Select((image, i) => (image, i)))
        {
            _store.PushReferrer("app", image, 100 + i);
            _store.PushReferrer("app", image, 200 + i);
            _store.Delete("app", image);
        }
        _store.Pass(30);
        var result = await _store.ApplyAsync(RetentionStore.Rule with { UntaggedAfter = TimeSpan.FromDays(7), MaxRemovedPercent = 25 });
        result.WasStopped.ShouldBeFalse();
        result.Removed.ShouldBe(4);
    }

    [Fact]
    public async Task Apply_InUse_StaysAndIsAFindingIfNothingElseKeepsIt()
    {
        var child = _store.Push("team/app", 1);
        _store.PushIndex("team/app", [child], "old");
        var byTag = _store.Push("team/app", 2, "pinned");
        _store.Push("team/app", 3, "gone");
        _store.Pass(1);
        _store.Push("team/app", 4, "new");
        var list = _store.WriteFile("in-use", $"\uFEFF# what runs\n\nregistry.example:5050/team/app@{child}   # by its platform\r\nteam/app:pinned\nother.example/app:gone\n");
        var rule = RetentionStore.Rule with { KeepNewest = 1, InUse = [list] };
        var plan = (await _store.PlanAsync(rule)).Repositories.ShouldHaveSingleItem();
        plan.Kept.Single(root => root.Digest == byTag.ToString()).Reasons.ShouldHaveSingleItem().Text.ShouldBe($"in use: {list} line 4");
        plan.Finding!.ShouldContain("pinned");
        _store.OpenIncidents().ShouldBeEmpty("a plan changes nothing");
        (await _store.ApplyAsync(rule)).Removed.ShouldBe(1);
        _store.TagsOf("team/app").ShouldBe(["new", "old", "pinned"]);
        _store.OpenIncidents().ShouldHaveSingleItem().Detail.ShouldContain("in use");
    }

    [Theory]
    [InlineData("ok/app:1\nnot an image\n", "line 2 of")]
    [InlineData("<html>login</html>", "line 1 of")]
    [InlineData("registry.example/App:1", "line 1 of")]
    [InlineData("app@sha256:abc", "line 1 of")]
    [InlineData("app:", "line 1 of")]
    [InlineData("https://registry.example/app:1", "line 1 of")]
    [Promise("P6")]
    public async Task Apply_InUseListThatIsNone_StopsTheWholeRule(string text, string says)
    {
        _store.Push("app", 1, "a");
        await StopsAsync(_store.WriteFile("in-use", text), says);
        _store.TagsOf("app").ShouldBe(["a"]);
    }

    [Fact]
    [Promise("P6")]
    public async Task Apply_InUseListThatCannotBeRead_StopsTheWholeRuleUntilItCan()
    {
        _store.Push("app", 1, "a");
        _store.Push("app", 2, "b");
        var file = _store.WriteFile("in-use", "app:a\n");
        File.Move(file, file + ".away");
        await StopsAsync(file, "can't be read");
        await StopsAsync(Path.GetDirectoryName(file)!, "can't be read");
        var invalid = _store.WriteFile("bytes", "");
        await File.WriteAllBytesAsync(invalid, [(byte)'a', 0xff, 0xfe]);
        await StopsAsync(invalid, "can't be read");
        File.Move(file + ".away", file);
        var result = await _store.ApplyAsync(RetentionStore.Rule with { KeepTags = ["x"], InUse = [file] });
        result.Removed.ShouldBe(1);
        _store.OpenIncidents().ShouldHaveSingleItem().Subject.ShouldBe("main/app", "the rule's incident has ended; that only the list keeps it is a finding");
    }

    [Theory]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\napp:a\n", null)]
    [InlineData("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", "the answer is 404")]
    [InlineData("HTTP/1.1 204 No Content\r\n\r\n", "the answer is 204")]
    [InlineData("HTTP/1.1 302 Found\r\nLocation: /again\r\nContent-Length: 0\r\n\r\n", "redirects")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 60\r\n\r\napp:a\n", "can't be read")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\nBIG", "larger than 16 MiB")]
    [Promise("P6")]
    public async Task Apply_InUseUrl_IsReadInFullOrStopsTheRule(string answer, string? problem)
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        using var done = new CancellationTokenSource();
        var serving = ServeAsync(listener, answer, done.Token);
        _store.Push("app", 1, "a");
        var url = $"http://{listener.LocalEndpoint}/in-use";
        if (problem is not null)
            await StopsAsync(url, problem);
        else
            (await _store.ApplyAsync(RetentionStore.Rule with { KeepTags = ["x"], InUse = [url] })).WasStopped.ShouldBeFalse();
        _store.TagsOf("app").ShouldBe(["a"]);
        await done.CancelAsync();
        await serving;
    }

    private async Task StopsAsync(string list, string says)
    {
        var result = await _store.ApplyAsync(
            RetentionStore.Rule with { Repositories = ["app"], KeepTags = ["x"], InUse = [list] },
            RetentionStore.Rule with { KeepTags = ["x"] });
        result.Removed.ShouldBe(0);
        result.WasStopped.ShouldBeTrue();
        result.Problems.ShouldHaveSingleItem().Problem.ShouldContain(says);
        var incident = _store.OpenIncidents().ShouldHaveSingleItem();
        (incident.Kind, incident.Subject).ShouldBe((IncidentKind.RetentionGuard, "retention[0]"));
    }

    private static async Task ServeAsync(TcpListener listener, string answer, CancellationToken token)
    {
        try
        {
            while (true)
            {
                using var client = await listener.AcceptTcpClientAsync(token);
                var stream = client.GetStream();
                (await stream.ReadAsync(new byte[4096], token)).ShouldBePositive();
                await stream.WriteAsync(Encoding.UTF8.GetBytes(answer.Replace("BIG", new string('#', 17 << 20), StringComparison.Ordinal)), token);
            }
        }
        catch (Exception e) when (e is OperationCanceledException or IOException)
        {
            // The test is over, or the client has read enough.
        }
    }
}
