using System.Diagnostics;
using System.Net;
using EndToEnd.Images;
using EndToEnd.Processes;
using EndToEnd.Servers;

namespace EndToEnd.Doctor;

/// <summary>The real registry's own purging of uploads, beside pushes, a scan and a repair.</summary>
public sealed class UploadPurgeTests(Lab lab)
{
    private const string Purging = ", maintenance: { uploadpurging: { enabled: true, age: 2s, interval: 1s, dryrun: false } }";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task ScanAndRepair_BesideARegistryThatPurges_TellUploadsFromDamageAndMendIt()
    {
        await using var registry = await DebianRegistry.StartAsync(lab, Token, storage: Purging);
        var data = Path.GetFullPath(Path.Combine(registry.Root, "../../.."));
        await registry.PushAsync(RandomImage.Index(lab, 0), "team/app", "v1", Token);
        var copy = Path.Combine(lab.NewFolder("copy"), "data");
        await new ToolCall("cp", "-a", data, copy).OutputAsync(Token);
        await registry.CollectAsync(Token, "-m");
        var broken = await FindingsAsync(data, uploads: 0);
        broken.Count.ShouldBe(3);
        // Version 3 would lose what is whole (R9), so whoever looks before an upgrade is told.
        (await DoctorCall.RunAsync(Token, "scan", data)).Output.ShouldContain("don't upgrade this registry from 2.8 to 3 before this is mended");
        await WaitForPurgingAsync(registry);
        using var raw = new RawRegistry(registry.Endpoint);
        var (first, second) = (await BeginAsync(raw), await BeginAsync(raw));
        // One of the two looks as if a client were still at it, half-way through a layer.
        (await SendAsync(raw, HttpMethod.Patch, first)).ShouldBe(HttpStatusCode.Accepted);
        (await FindingsAsync(data, uploads: 2)).ShouldBe(broken, "what is only begun is no damage");

        var repair = await DoctorCall.RunAsync(Token, "repair", data, "--donor", copy, "--apply", "--while-running");
        await WaitAsync(() => Task.FromResult(Directory.GetDirectories(Uploads(registry)).Length == 0), "the registry purges what is older than two seconds");

        repair.ExitCode.ShouldBe(0, repair.ToString());
        repair.Output.ShouldNotContain("don't upgrade");
        (await DoctorCall.RunAsync(Token, "scan", data)).Output.ShouldNotContain("don't upgrade");
        (await SendAsync(raw, HttpMethod.Patch, second)).ShouldBe(HttpStatusCode.NotFound, "whoever was at it begins anew");
        var clean = await DoctorCall.JsonAsync(0, Token, "scan", data);
        ((int)clean["registries"]![0]!["counts"]!["uploads"]!).ShouldBe(0);
        await registry.RestartAsync(Token);
        (await raw.ReadClosureAsync("team/app", "v1", Token)).Digests.Count.ShouldBe(10);
    }

    private static async Task<List<string>> FindingsAsync(string data, int uploads)
    {
        var report = await DoctorCall.JsonAsync(1, Token, "scan", data);
        ((int)report["registries"]![0]!["counts"]!["uploads"]!).ShouldBe(uploads);
        return [.. DoctorCall.Findings(report).Select(finding => $"{finding["kind"]} {finding["repository"]} {finding["digest"]}")];
    }

    /// <summary>
    /// 2.8 waits before its first purge for a whole number of minutes below 60, drawn by a generator that is seeded with the second of its start: it is started again until that is 0, mostly
    /// within a minute or two.
    /// </summary>
    private static async Task WaitForPurgingAsync(DebianRegistry registry)
    {
        await WaitAsync(
            async () =>
            {
                // After the first purge it says when the next comes.
                if ((await registry.LogAsync(Token)).Split("Starting upload purge in ").Last() is ['0' or '1', 's', ..])
                {
                    return true;
                }

                // The next second.
                await Task.Delay(1_000 - DateTimeOffset.UtcNow.Millisecond, Token);
                await registry.RestartAsync(Token);
                return false;
            },
            "one start of sixty purges at once");
    }

    private static async Task WaitAsync(Func<Task<bool>> condition, string what)
    {
        var watch = Stopwatch.StartNew();
        while (!await condition())
        {
            watch.Elapsed.ShouldBeLessThan(TimeSpan.FromMinutes(10), what);
            await Task.Delay(50, Token);
        }
    }

    private static async Task<string> BeginAsync(RawRegistry raw)
    {
        using var begun = await raw.SendAsync(HttpMethod.Post, "v2/team/app/blobs/uploads/", Token);
        begun.StatusCode.ShouldBe(HttpStatusCode.Accepted);
        return begun.Headers.Location!.OriginalString;
    }

    private static async Task<HttpStatusCode> SendAsync(RawRegistry raw, HttpMethod method, string place)
    {
        using var answer = await raw.SendAsync(method, place, Token, () => new ByteArrayContent(new byte[1000]));
        return answer.StatusCode;
    }

    private static string Uploads(DebianRegistry registry) => Path.Combine(registry.Root, "repositories", "team", "app", "_uploads");
}
