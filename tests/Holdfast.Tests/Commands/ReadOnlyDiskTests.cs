using System.Diagnostics;
using System.Net;
using System.Text.Json;
using Holdfast.Testing;
using Holdfast.Tests.Configuration;
using Shouldly;
using Xunit;

namespace Holdfast.Tests.Commands;

/// <summary>A data folder that takes no writes, as after a kernel made the file system of a failing disk read-only.</summary>
public sealed class ReadOnlyDiskTests(ConfigurationFolder folder) : IClassFixture<ConfigurationFolder>
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(90);

    [Fact]
    [Promise("P5")]
    [Promise("P8")]
    public async Task Serve_DiskTurnsReadOnly_PullsGoOnPushesAreRefusedInWordsAndAnIncidentIsOpenUntilItIsMended()
    {
        var disk = Path.Combine(folder.Path, "disk");
        Directory.CreateDirectory(disk);
        var image = Path.Combine(folder.Path, "disk.img");
        await using (var file = File.Create(image))
            file.SetLength(64 << 20);
        // Only ext4 can be made to do by hand what a broken disk makes it do.
        Assert.SkipUnless(
            Run("mkfs.ext4", "-q", "-F", image) && Run("mount", "-o", "loop", image, disk), "needs root, mkfs.ext4, and the right to mount a file by a loop device");
        try
        {
            await using (var server = await StartAsync("disk/data"))
            {
                await SmallImage.PushAsync(server, "app", "kept");
                Run("mount", "-o", "remount,abort", disk).ShouldBeTrue();
                await RefusesAsync(server, "app", await RefusedPushAsync(server));
                using (var deleted = await server.Client.DeleteAsync("/v2/app/manifests/kept"))
                    await RefusesAsync(server, "app", deleted);
                (await IncidentsAsync("disk/data")).ShouldContain("0  open  store-read-only  store  since ", customMessage: "it can't be written down, and is told nevertheless");
                (await server.Client.GetStringAsync("/metrics")).ShouldContain("holdfast_incidents_open{kind=\"store-read-only\"} 1");
                server.Signal("TERM");
                (await server.WaitForExitAsync()).ShouldBe(0);
            }
            var (exitCode, _, errors) = await HoldfastProcess.RunAsync(folder.Path, ["serve", "--data", "disk/data", "--listen", "http://127.0.0.1:0"]);
            exitCode.ShouldBe(2);
            errors.Split('\n', StringSplitOptions.RemoveEmptyEntries).ShouldHaveSingleItem().ShouldContain("Read-only file system");
            Run("umount", disk).ShouldBeTrue();
            Run("e2fsck", "-f", "-y", image);
            Run("mount", "-o", "loop", image, disk).ShouldBeTrue();
            await using var again = await StartAsync("disk/data");
            (await again.Client.GetAsync("/v2/app/manifests/kept")).StatusCode.ShouldBe(HttpStatusCode.OK);
            await SmallImage.PushAsync(again, "app", "new");
        }
        finally
        {
            Run("umount", "-l", disk);
        }
    }

    [Fact]
    [Promise("P5")]
    [Promise("P8")]
    public async Task Serve_UploadsFolderReadOnly_HealsByItselfWhenItIsWritableAgain()
    {
        await using var server = await StartAsync("bound");
        await SmallImage.PushAsync(server, "app", "kept");
        var uploads = Path.Combine(folder.Path, "bound", "uploads");
        Assert.SkipUnless(Run("mount", "--bind", uploads, uploads), "needs root, or the right to mount");
        try
        {
            Run("mount", "-o", "remount,bind,ro", uploads).ShouldBeTrue();
            await RefusesAsync(server, "app", await RefusedPushAsync(server));
            await WaitAsync("bound", output => output.Contains("open  store-read-only  store", StringComparison.Ordinal));
        }
        finally
        {
            Run("umount", uploads).ShouldBeTrue();
        }
        await WaitAsync("bound", output => output.Contains("nothing is open", StringComparison.Ordinal));
        await SmallImage.PushAsync(server, "app", "new");
        Directory.EnumerateFiles(uploads).ShouldBeEmpty();
    }

    private Task<RunningServer> StartAsync(string data) =>
        RunningServer.StartAsync(folder.Path, ["--data", data, "--listen", "http://127.0.0.1:0", "--set", "disk.reserve=1MiB"]);

    private static Task<HttpResponseMessage> RefusedPushAsync(RunningServer server) =>
        server.Client.PostAsync($"/v2/app/blobs/uploads/?digest={SmallImage.DigestOf([1])}", new ByteArrayContent([1]));

    private static async Task RefusesAsync(RunningServer server, string repository, HttpResponseMessage answer)
    {
        using var refused = answer;
        refused.StatusCode.ShouldBe(HttpStatusCode.ServiceUnavailable);
        using var json = JsonDocument.Parse(await refused.Content.ReadAsStringAsync());
        json.RootElement.GetProperty("errors")[0].GetProperty("code").GetString().ShouldBe("STORE_READ_ONLY");
        (await server.Client.GetAsync($"/v2/{repository}/manifests/kept")).StatusCode.ShouldBe(HttpStatusCode.OK);
    }

    private async Task<string> IncidentsAsync(string data) => (await HoldfastProcess.RunAsync(folder.Path, ["incidents", "--data", data])).Output;

    private async Task WaitAsync(string data, Predicate<string> isSo)
    {
        var since = Stopwatch.StartNew();
        string output;
        while (!isSo(output = await IncidentsAsync(data)))
        {
            since.Elapsed.ShouldBeLessThan(Patience, output);
            await Task.Delay(500, TestContext.Current.CancellationToken);
        }
    }

    private static bool Run(string program, params string[] arguments)
    {
        try
        {
            using var process = Process.Start(new ProcessStartInfo(program, arguments) { UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true })!;
            process.WaitForExit();
            return process.ExitCode == 0;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return false;
        }
    }
}
