using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text;
using System.Text.RegularExpressions;
using Holdfast.Oci;
using Holdfast.Server.Tests.Scrub;
using Holdfast.Testing;
using Shouldly;
using Xunit;

namespace Holdfast.Server.Tests.Protocol;

/// <summary>Large blobs, most of which the kernel hands from the file to the socket.</summary>
public sealed class HandedOverTests : IAsyncLifetime
{
    // Several times what can be under way to a client with this buffer, also where the machine's largest receive buffer is 32 MiB.
    private const int LargeBytes = 128 << 20;
    private const int ReceiveBufferBytes = 1 << 20;

    private static readonly byte[] Content = Samples.Bytes(71, LargeBytes);

    private readonly RegistryFixture _registry;
    private WatchedBlobStore _store = null!;

    public HandedOverTests() => _registry = new RegistryFixture { Wrap = store => _store = new WatchedBlobStore(store) };

    public ValueTask InitializeAsync() => _registry.InitializeAsync();

    public ValueTask DisposeAsync() => _registry.DisposeAsync();

    private async Task<(Digest Digest, string Path)> PushAsync()
    {
        var digest = await _registry.PushBlobAsync("app", Content);
        return (digest, $"/v2/app/blobs/{digest}");
    }

    [Theory, Spec("1.1.1", "end-2"), Promise("P4")]
    [InlineData(0, LargeBytes - 1)]
    [InlineData(0, LargeBytes - 2)]
    [InlineData(12_345_677, LargeBytes - 1)]
    [InlineData(1, 100_000_001)]
    public async Task Get_LargeBlob_GivesItsBytes(int first, int last)
    {
        var (_, path) = await PushAsync();
        using var handler = new SocketsHttpHandler { ConnectCallback = async (_, _) => new NetworkStream(await ConnectAsync(), ownsSocket: true) };
        using var client = new HttpClient(handler);
        // Twice on one connection: what was handed over must not have put it out of step.
        for (var i = 0; i < 2; i++)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(_registry.Address, path)) { Headers = { Range = new RangeHeaderValue(first, last) } };
            using var response = await client.SendAsync(request);
            response.StatusCode.ShouldBe(HttpStatusCode.PartialContent);
            (await response.Content.ReadAsByteArrayAsync()).AsSpan().SequenceEqual(Content.AsSpan(first, last + 1 - first)).ShouldBeTrue();
        }
        _store.HandedOver.ShouldBeGreaterThan(2L * (last - first - (48 << 20)));
        _store.Read.ShouldBeGreaterThan(8 << 20);
    }

    [Fact, Spec("1.1.1", "end-2")]
    public async Task Get_StoreThatHandsNothingOver_GivesItsBytesInLargePieces()
    {
        var (_, path) = await PushAsync();
        _store.HandsNothingOver = true;
        using var socket = await AskAsync(path);
        var got = await ReadHeadAsync(socket);
        await ReadAsync(socket, got, LargeBytes);
        got.ToArray().AsSpan().SequenceEqual(Content).ShouldBeTrue();
        _store.HandedOver.ShouldBe(0);
        _store.Reads.ShouldBeLessThan(1_000);
    }

    [Fact, Promise("P4")]
    public async Task Get_FileOverwrittenOnceAllWasSent_GivesTheBytesThatWereChecked()
    {
        var (digest, path) = await PushAsync();
        using var socket = await AskAsync(path);
        var got = await ReadHeadAsync(socket);
        // The rest stays in the sockets, and the server is done with it.
        await ReadAsync(socket, got, LargeBytes - 1_000_000);
        await Eventually.ShouldBeAsync(InFlightAsync, 0);
        await OverwriteAsync(digest);
        await ReadAsync(socket, got, LargeBytes);
        _store.HandedOver.ShouldBeGreaterThan(0);
        got.ToArray().AsSpan().SequenceEqual(Content).ShouldBeTrue();
    }

    [Fact, Promise("P4")]
    public async Task Get_FileOverwrittenWhileItIsInTheSockets_IsCut()
    {
        var (digest, path) = await PushAsync();
        using var socket = await AskAsync(path);
        var got = await ReadHeadAsync(socket);
        await ReadAsync(socket, got, 10_000_000);
        await OverwriteAsync(digest);
        await Should.ThrowAsync<EndOfStreamException>(() => ReadAsync(socket, got, LargeBytes));
    }

    [Fact, Promise("P4")]
    public async Task Get_FileCutWhileItIsSent_IsCutToo()
    {
        var (digest, path) = await PushAsync();
        using var socket = await AskAsync(path);
        var got = await ReadHeadAsync(socket);
        await ReadAsync(socket, got, 1_000_000);
        await using (var file = OpenFile(digest))
            file.SetLength(LargeBytes / 2);
        await Should.ThrowAsync<EndOfStreamException>(() => ReadAsync(socket, got, LargeBytes));
        await Eventually.ShouldBeAsync(InFlightAsync, 0);
    }

    [Fact, Promise("P10")]
    public async Task Get_ClientsThatLeaveInTheMiddle_AreLetGo()
    {
        var (_, path) = await PushAsync();
        for (var i = 0; i < 8; i++)
        {
            using var socket = await AskAsync(path);
            await ReadAsync(socket, await ReadHeadAsync(socket), 3_000_000);
        }
        await Eventually.ShouldBeAsync(InFlightAsync, 0);
        (await _registry.Http.GetByteArrayAsync(path)).AsSpan().SequenceEqual(Content).ShouldBeTrue();
    }

    private async Task<Socket> AskAsync(string path)
    {
        var socket = await ConnectAsync();
        await socket.SendAsync(Encoding.Latin1.GetBytes(RawHttp.Head("GET", path)));
        return socket;
    }

    // The buffer's size before connecting bounds the window that the client can offer.
    private async Task<Socket> ConnectAsync()
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true, ReceiveBufferSize = ReceiveBufferBytes };
        await socket.ConnectAsync(_registry.Address.Host, _registry.Address.Port);
        return socket;
    }

    /// <returns>The beginning of the body that came with it.</returns>
    private static async Task<MemoryStream> ReadHeadAsync(Socket socket)
    {
        var end = "\r\n\r\n"u8.ToArray();
        var head = new byte[16 * 1024];
        var count = 0;
        while (true)
        {
            count += await ReceiveAsync(socket, head.AsMemory(count));
            var at = head.AsSpan(0, count).IndexOf(end);
            if (at < 0)
                continue;
            Encoding.Latin1.GetString(head, 0, at).ShouldStartWith("HTTP/1.1 200 ");
            var body = new MemoryStream();
            body.Write(head.AsSpan((at + end.Length)..count));
            return body;
        }
    }

    private static async Task ReadAsync(Socket socket, MemoryStream got, int until)
    {
        var buffer = new byte[64 * 1024];
        while (got.Length < until)
            got.Write(buffer, 0, await ReceiveAsync(socket, buffer.AsMemory(0, (int)Math.Min(buffer.Length, until - got.Length))));
    }

    private static async Task<int> ReceiveAsync(Socket socket, Memory<byte> buffer)
    {
        using var timeout = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        try
        {
            var count = await socket.ReceiveAsync(buffer, timeout.Token);
            return count > 0 ? count : throw new EndOfStreamException();
        }
        catch (SocketException e)
        {
            throw new EndOfStreamException("the connection was cut", e);
        }
    }

    private async Task OverwriteAsync(Digest digest)
    {
        await using var file = OpenFile(digest);
        await file.WriteAsync(new byte[LargeBytes]);
    }

    private FileStream OpenFile(Digest digest)
    {
        var path = _registry.BlobFile(digest);
        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        return new FileStream(path, FileMode.Open, FileAccess.Write, FileShare.ReadWrite, bufferSize: 0);
    }

    private async ValueTask<int> InFlightAsync()
    {
        var metrics = await _registry.Http.GetStringAsync("/metrics");
        return int.Parse(Regex.Match(metrics, @"(?<=^holdfast_http_requests_in_flight )\d+$", RegexOptions.Multiline).Value);
    }
}
