using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Threading.Channels;
using Holdfast.Server.Blobs;
using Holdfast.Server.Http;
using Holdfast.Storage.Blobs;
using Holdfast.Testing;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Logging;
using Shouldly;
using Xunit;

namespace Holdfast.Server.Tests.Protocol;

/// <summary>A client that stops reading a large blob for a while.</summary>
public sealed class SlowPullTests : IAsyncLifetime
{
    private const int LargeBytes = 128 << 20;

    private readonly WebApplication _server;
    private readonly Channel<bool> _cuts = Channel.CreateUnbounded<bool>();
    private readonly TaskCompletionSource<bool> _pull = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public SlowPullTests()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(static kestrel =>
        {
            // Cuts whoever takes nothing for two of its ticks.
            kestrel.Limits.MinResponseDataRate = new MinDataRate(1 << 30, TimeSpan.FromSeconds(1.1));
            kestrel.Listen(IPAddress.Loopback, 0, static listen =>
                listen.Use(static next => connection => SocketOutput.ServeAsync(next, connection, static (one, output) => one.Features.Set(output))));
        });
        _server = builder.Build();
        _server.Run(http => http.Request.Path == "/blob" ? PullAsync(http) : WriteAsync(http));
    }

    public async ValueTask InitializeAsync() => await _server.StartAsync();

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    [Fact]
    public async Task Get_ClientThatPausesForLongerThanOthersMay_IsNotCut()
    {
        using var puller = await AskAsync("/blob");
        // The second of these came when the pull had stood still for at least as long as the first one was let.
        for (var i = 0; i < 2; i++)
        {
            using var other = await AskAsync("/other");
            await _cuts.Reader.ReadAsync(TestContext.Current.CancellationToken);
        }
        _pull.Task.IsCompleted.ShouldBeFalse();
        var buffer = new byte[1 << 20];
        var left = (long)LargeBytes;
        while (left > 0)
        {
            var read = await puller.ReceiveAsync(buffer, TestContext.Current.CancellationToken);
            read.ShouldBeGreaterThan(0);
            left -= read;
        }
        (await _pull.Task).ShouldBeTrue();
    }

    private async Task PullAsync(HttpContext http)
    {
        http.Response.ContentLength = LargeBytes;
        await using var reader = new Zeros();
        _pull.SetResult(await BlobSender.SendAsync(http, reader, new ByteRange(0, LargeBytes - 1), null));
    }

    private async Task WriteAsync(HttpContext http)
    {
        http.Response.ContentLength = LargeBytes;
        var pipe = http.Response.BodyWriter;
        for (var left = LargeBytes; left > 0 && !http.RequestAborted.IsCancellationRequested; left -= BlobSender.ChunkBytes)
        {
            _ = pipe.GetMemory(BlobSender.ChunkBytes);
            pipe.Advance(BlobSender.ChunkBytes);
            if ((await pipe.FlushAsync()).IsCompleted)
                break;
        }
        _cuts.Writer.TryWrite(true).ShouldBeTrue();
    }

    private async Task<Socket> AskAsync(string path)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { ReceiveBufferSize = 1 << 20 };
        var address = new Uri(_server.Urls.Single());
        await socket.ConnectAsync(address.Host, address.Port);
        await socket.SendAsync(Encoding.Latin1.GetBytes(RawHttp.Head("GET", path)));
        return socket;
    }

    private sealed class Zeros : BlobReader
    {
        public override long SizeBytes => LargeBytes;

        public override long Stamp => 1;

        public override ValueTask<bool> WasChangedAsync(CancellationToken cancellationToken) => new(false);

        public override ValueTask<int> ReadAsync(long offsetBytes, Memory<byte> buffer, CancellationToken cancellationToken) => new(buffer.Length);

        public override ValueTask DisposeAsync() => default;
    }
}
