using System.Diagnostics;
using System.Globalization;
using System.Net;
using EndToEnd.Clients;
using EndToEnd.Images;
using EndToEnd.Processes;
using EndToEnd.Servers;

namespace EndToEnd.Scenarios;

/// <summary>A data folder without room: pushes are refused with the figure, the rest goes on.</summary>
public sealed class FullDiskTests(Lab lab)
{
    private const int Mebibyte = 1 << 20;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    [Promise("P10")]
    public async Task Push_BelowTheReserve_Gets507WhilePullsAndDeletesGoOn()
    {
        var data = await SmallDiskAsync(mebibytes: 128);
        await using var server = await HoldfastProcess.StartAsync(lab, new HoldfastSettings { Data = data, Reserve = "32MiB" }, Token);
        var endpoint = server.For(Mode.Plain);
        using var raw = new RawRegistry(endpoint);
        var skopeo = new Skopeo(lab);
        var kept = await lab.Images.Busybox;
        await skopeo.PushAsync(endpoint, kept, "e2e/kept", Token);
        await skopeo.PushAsync(endpoint, kept, "e2e/deleted", Token);
        var ballast = await FillAsync(data, leave: 24L * Mebibyte);

        using (var refused = await OpenUntilAsync(raw, status: 507))
        {
            (await refused.Content.ReadAsStringAsync(Token)).ShouldContain((32 * Mebibyte).ToString(CultureInfo.InvariantCulture));
        }

        var error = await Should.ThrowAsync<InvalidOperationException>(() => skopeo.PushAsync(endpoint, kept, "e2e/new", Token));
        error.Message.ShouldContain("507");
        (await raw.ReadClosureAsync("e2e/kept", Image.Tag, Token)).Manifest.ShouldBe(kept.Digest);
        using (var deleted = await raw.SendAsync(HttpMethod.Delete, $"v2/e2e/deleted/manifests/{kept.Digest}", Token))
        {
            deleted.StatusCode.ShouldBe(HttpStatusCode.Accepted);
        }

        File.Delete(ballast);
        (await OpenUntilAsync(raw, status: 202)).Dispose();
        await skopeo.PushAsync(endpoint, kept, "e2e/new", Token);
        (await raw.ReadClosureAsync("e2e/new", Image.Tag, Token)).Manifest.ShouldBe(kept.Digest);
    }

    [Fact]
    [Promise("P1")]
    [Promise("P10")]
    public async Task Upload_LargerThanTheDisk_IsRefusedAndHurtsNothing()
    {
        var data = await SmallDiskAsync(mebibytes: 64);
        await using var server = await HoldfastProcess.StartAsync(lab, new HoldfastSettings { Data = data, Reserve = "1MiB" }, Token);
        var endpoint = server.For(Mode.Plain);
        using var raw = new RawRegistry(endpoint);
        var kept = await lab.Images.Busybox;
        var skopeo = new Skopeo(lab);
        await skopeo.PushAsync(endpoint, kept, "e2e/kept", Token);

        using (var opened = await raw.SendAsync(HttpMethod.Post, "v2/e2e/large/blobs/uploads/", Token))
        {
            opened.StatusCode.ShouldBe(HttpStatusCode.Accepted);
            // Without a length, so that it can't be refused before the disk is full.
            using var filled = await raw.SendAsync(
                HttpMethod.Patch, opened.Headers.Location!.ToString(), Token, () => new StreamContent(new EndlessZeros(100L * Mebibyte)));
            ((int)filled.StatusCode).ShouldBe(507);
        }

        (await raw.ReadClosureAsync("e2e/kept", Image.Tag, Token)).Manifest.ShouldBe(kept.Digest);
        await server.KillAsync();
        await server.StartAsync(Token);
        (await raw.ReadClosureAsync("e2e/kept", Image.Tag, Token)).Manifest.ShouldBe(kept.Digest);
    }

    /// <summary>Opens upload sessions until the answer is the one expected: the server may look at the disk only now and then.</summary>
    private static async Task<HttpResponseMessage> OpenUntilAsync(RawRegistry raw, int status)
    {
        var watch = Stopwatch.StartNew();
        while (true)
        {
            var response = await raw.SendAsync(HttpMethod.Post, "v2/e2e/new/blobs/uploads/", Token);
            if ((int)response.StatusCode == status)
            {
                return response;
            }

            watch.Elapsed.ShouldBeLessThan(TimeSpan.FromSeconds(10), $"still {response.StatusCode}");
            response.Dispose();
            await Task.Delay(100, Token);
        }
    }

    private Task<string> SmallDiskAsync(int mebibytes)
    {
        Require.Programs("skopeo");
        return Mounts.TmpfsAsync(lab, mebibytes, Token);
    }

    /// <summary>Leaves so many bytes free.</summary>
    private static async Task<string> FillAsync(string folder, long leave)
    {
        var file = Path.Combine(folder, "ballast");
        await using var stream = File.Create(file);
        var zeros = new byte[Mebibyte];
        while (new DriveInfo(folder).AvailableFreeSpace > leave)
        {
            await stream.WriteAsync(zeros, Token);
            await stream.FlushAsync(Token);
        }

        return file;
    }

    /// <summary>Not seekable, so that it is sent in chunks.</summary>
    private sealed class EndlessZeros(long length) : Stream
    {
        private long _left = length;

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => throw new NotSupportedException();

        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

        public override void Flush()
        {
        }

        public override int Read(byte[] buffer, int offset, int count)
        {
            var part = (int)Math.Min(count, _left);
            Array.Clear(buffer, offset, part);
            _left -= part;
            return part;
        }

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}
