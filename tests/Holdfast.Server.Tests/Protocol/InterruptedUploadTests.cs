using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Holdfast.Testing;
using Shouldly;
using Xunit;

namespace Holdfast.Server.Tests.Protocol;

/// <summary>Clients that die, dawdle or meet in the middle of a chunk.</summary>
public sealed class InterruptedUploadTests(RegistryFixture registry) : IClassFixture<RegistryFixture>
{
    private readonly byte[] _content = Samples.Bytes(Random.Shared.Next(), 2_000_000);

    private int Last => _content.Length - 1;

    [Fact]
    public async Task Patch_WhileASlowOneIsUnderWay_WaitsAndGets416()
    {
        var location = await registry.OpenUploadAsync("slow");
        using var slow = await StartPatchAsync(location, 1_000_000, $"Content-Range: 0-{Last}");
        await ShouldHaveStoredMoreThanAsync(location, 0);
        var second = registry.PatchAsync(location, _content, $"0-{Last}");
        var status = registry.GetAsync(location);
        await Task.WhenAny(second, status, Task.Delay(300));
        second.IsCompleted.ShouldBeFalse("the second client has to wait for the first");
        status.IsCompleted.ShouldBeFalse("while a chunk arrives nobody knows the range");

        await slow.SendAsync(_content.AsMemory(1_000_000));
        (await ReadAsync(slow)).ShouldStartWith("HTTP/1.1 202 ");
        using (var refused = await second)
        {
            refused.StatusCode.ShouldBe(HttpStatusCode.RequestedRangeNotSatisfiable);
            refused.Headers.GetValues("Range").ShouldBe([$"0-{Last}"]);
        }
        (await status).Headers.GetValues("Range").ShouldBe([$"0-{Last}"]);
        await FinishAsync(location, _content.Length);
    }

    [Theory]
    [InlineData("PATCH", true)]
    [InlineData("PATCH", false)]
    [InlineData("PUT", true)]
    public async Task Client_ThatDiesMidChunk_LeavesASessionThatGoesOnAtOnce(string method, bool stated)
    {
        var location = await registry.OpenUploadAsync("dead");
        string[] headers = stated ? [$"Content-Range: 0-{Last}"] : [];
        using (var dying = await StartAsync(method, location, 1_500_000, headers))
            dying.LingerState = new LingerOption(true, 0); // Closing it now is a reset.

        var started = Stopwatch.GetTimestamp();
        var offset = await OffsetAsync(location);
        Stopwatch.GetElapsedTime(started).ShouldBeLessThan(TimeSpan.FromSeconds(5));
        offset.ShouldBeInRange(0, 1_500_000);
        await FinishAsync(location, offset);
    }

    [Fact]
    public async Task Client_ThatDiesAgainAndAgain_ComesThroughInTheEnd()
    {
        var location = await registry.OpenUploadAsync("dead");
        long offset = 0;
        for (var i = 0; i < 3; i++)
        {
            const int Sent = 600_000;
            using (var dying = await StartPatchAsync(location, offset, Sent, $"Content-Range: {offset}-{Last}"))
            {
                // Not before a part is stored: what a server hasn't read when a connection dies is lost with it.
                await ShouldHaveStoredMoreThanAsync(location, offset);
                dying.LingerState = new LingerOption(true, 0);
            }
            var next = await OffsetAsync(location);
            next.ShouldBeInRange(offset + 1, offset + Sent);
            offset = next;
        }
        await FinishAsync(location, offset);
    }

    [Fact]
    public async Task Client_ThatDiesMidChunkAndTheServerRestarts_GoesOnFromTheRange()
    {
        await using var own = new RegistryFixture();
        await own.InitializeAsync();
        var location = await own.OpenUploadAsync("dead");
        using (var dying = await RawHttp.ConnectAsync(own.Address))
        {
            await dying.SendAsync(Encoding.ASCII.GetBytes(RawHttp.Head("PATCH", location, $"Content-Length: {_content.Length}")));
            await dying.SendAsync(_content.AsMemory(0, 1_500_000));
            dying.LingerState = new LingerOption(true, 0);
        }
        long offset;
        using (var before = await own.GetAsync(location))
            offset = OffsetOf(before);
        await own.RestartAsync();
        using (var after = await own.GetAsync(location))
            OffsetOf(after).ShouldBe(offset);
        (await own.PatchAsync(location, _content[(int)offset..], $"{offset}-{Last}")).StatusCode.ShouldBe(HttpStatusCode.Accepted);
        using var finished = await own.SendAsync(HttpMethod.Put, $"{location}?digest={Samples.DigestOf(_content)}");
        finished.StatusCode.ShouldBe(HttpStatusCode.Created);
    }

    private Task<Socket> StartPatchAsync(string location, int sent, params string[] headers) => StartAsync("PATCH", location, sent, headers);

    private async Task<Socket> StartAsync(string method, string location, int sent, string[] headers)
    {
        var target = method == "PUT" ? $"{location}?digest={Samples.DigestOf(_content)}" : location;
        var socket = await RawHttp.ConnectAsync(registry.Address);
        await socket.SendAsync(Encoding.ASCII.GetBytes(RawHttp.Head(method, target, [$"Content-Length: {_content.Length}", .. headers])));
        await socket.SendAsync(_content.AsMemory(0, sent));
        return socket;
    }

    private async Task<Socket> StartPatchAsync(string location, long offset, long sent, string header)
    {
        var socket = await RawHttp.ConnectAsync(registry.Address);
        await socket.SendAsync(Encoding.ASCII.GetBytes(RawHttp.Head("PATCH", location, $"Content-Length: {_content.Length - offset}", header)));
        await socket.SendAsync(_content.AsMemory((int)offset, (int)sent));
        return socket;
    }

    private Task ShouldHaveStoredMoreThanAsync(string location, long bytes)
    {
        var file = Path.Combine(registry.DataPath, "uploads", location.Split('/')[^1]);
        return Eventually.ShouldBeAsync(() => File.Exists(file) && new FileInfo(file).Length > bytes, true);
    }

    private static async Task<string> ReadAsync(Socket socket)
    {
        var answer = new byte[1000];
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        return Encoding.ASCII.GetString(answer, 0, await socket.ReceiveAsync(answer, patience.Token));
    }

    private async Task<long> OffsetAsync(string location)
    {
        using var status = await registry.GetAsync(location);
        status.StatusCode.ShouldBe(HttpStatusCode.NoContent);
        return OffsetOf(status);
    }

    // With nothing received the range is 0-0, as with one byte; nothing here sends a single byte.
    private static long OffsetOf(HttpResponseMessage status)
    {
        var last = long.Parse(status.Headers.GetValues("Range").Single().Split('-')[1], CultureInfo.InvariantCulture);
        return last == 0 ? 0 : last + 1;
    }

    private async Task FinishAsync(string location, long offset)
    {
        if (offset < _content.Length)
            (await registry.PatchAsync(location, _content[(int)offset..], $"{offset}-{Last}")).StatusCode.ShouldBe(HttpStatusCode.Accepted);
        var digest = Samples.DigestOf(_content);
        using (var finished = await registry.SendAsync(HttpMethod.Put, $"{location}?digest={digest}"))
            finished.StatusCode.ShouldBe(HttpStatusCode.Created);
        using var pulled = await registry.GetAsync($"/v2/{location.Split('/')[2]}/blobs/{digest}");
        (await pulled.Content.ReadAsByteArrayAsync()).ShouldBe(_content);
    }
}

/// <summary>A class of its own, so that its wait for the minimum rate runs beside the other tests.</summary>
public sealed class SlowUploadTests(RegistryFixture registry) : IClassFixture<RegistryFixture>
{
    [Fact, Promise("P10")]
    public async Task Chunk_FedByASlowLoris_IsCutOffAndTheSessionGoesOn()
    {
        var content = Samples.Bytes(77, 100_000);
        var location = await registry.OpenUploadAsync("loris");
        (await registry.PatchAsync(location, content[..1000], "0-999")).StatusCode.ShouldBe(HttpStatusCode.Accepted);
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        using (var socket = await RawHttp.ConnectAsync(registry.Address))
        {
            await socket.SendAsync(Encoding.ASCII.GetBytes(
                RawHttp.Head("PATCH", location, "Content-Length: 99000", "Content-Range: 1000-99999")), patience.Token);
            var answer = new byte[1000];
            var reading = socket.ReceiveAsync(answer, patience.Token).AsTask();
            for (var i = 1000; !reading.IsCompleted; i++)
            {
                await socket.SendAsync(content.AsMemory(i, 1), patience.Token);
                await Task.WhenAny(reading, Task.Delay(500, patience.Token));
            }
            Encoding.ASCII.GetString(answer, 0, await reading).ShouldStartWith("HTTP/1.1 408 ");
        }

        using (var status = await registry.GetAsync(location))
            status.Headers.GetValues("Range").Single().ShouldBe("0-999");
        (await registry.PatchAsync(location, content[1000..], "1000-99999")).StatusCode.ShouldBe(HttpStatusCode.Accepted);
        using var finished = await registry.SendAsync(HttpMethod.Put, $"{location}?digest={Samples.DigestOf(content)}");
        finished.StatusCode.ShouldBe(HttpStatusCode.Created);
    }
}
