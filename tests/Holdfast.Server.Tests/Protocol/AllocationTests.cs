using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using System.Text;
using Holdfast.Oci;
using Holdfast.Testing;
using Shouldly;
using Xunit;

namespace Holdfast.Server.Tests.Protocol;

/// <summary>What small reads allocate in the whole process, asked by a client that allocates nothing. Alone, since others allocate too.</summary>
[Collection<Alone>]
public sealed class AllocationTests(ITestOutputHelper output) : IAsyncLifetime
{
    private const int Requests = 1_000;

    // Timers of the server and of the test program allocate now and then; a round without them is what requests take.
    private const int Rounds = 8;

    // Several, so that nothing is reused only because the request is the one before.
    private const int Images = 4;

    private readonly RegistryFixture _registry = new();
    private readonly List<Digest> _manifests = [];
    private readonly List<Digest> _configs = [];

    public async ValueTask InitializeAsync()
    {
        await _registry.InitializeAsync();
        for (var i = 0; i < Images; i++)
        {
            _configs.Add(await _registry.PushBlobAsync("team/app", Samples.Bytes(i, 50)));
            var manifest = await _registry.PushImageOfAsync("team/app", $"v{i}", Samples.Bytes(i, 50));
            _manifests.Add(Samples.DigestOf(manifest));
            var referrer = Samples.ImageJson(Samples.Bytes(i, 50));
            referrer["subject"] = Samples.Descriptor(MediaTypes.OciManifest, manifest);
            await _registry.PushManifestAsync("team/app", null, Samples.Json(referrer));
        }
    }

    public ValueTask DisposeAsync() => _registry.DisposeAsync();

    [Fact]
    public void Get_ManifestByDigest_AllocatesLessThanAKibibyte() => Measure("GET", "manifests", _manifests).ShouldBeLessThan(1_024);

    [Fact]
    public void Get_ManifestByTag_AllocatesLittle() =>
        Measure("GET", "manifests", Enumerable.Range(0, Images).Select(static i => $"v{i}")).ShouldBeLessThan(600);

    [Fact]
    public void Head_Blob_AllocatesLittle() => Measure("HEAD", "blobs", _configs).ShouldBeLessThan(1_200);

    [Fact]
    public void Get_Referrers_AllocatesLittle() => Measure("GET", "referrers", _manifests).ShouldBeLessThan(900);

    [Fact]
    public void Get_Tags_AllocatesLittle() => Measure("GET", "tags", ["list"]).ShouldBeLessThan(600);

    [Fact, Promise("P10")]
    public void Get_TagsAfterLongNames_KeepsLittleInMemory()
    {
        const int Pages = 5_000;
        Learn(0, 1);
        var before = GC.GetTotalMemory(forceFullCollection: true);
        Learn(1, Pages);
        var kept = GC.GetTotalMemory(forceFullCollection: true) - before;
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{Pages} pages leave {kept >> 20} MiB"));
        kept.ShouldBeLessThan(24L << 20);
    }

    // A method of its own, so that nothing of the client's is left.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private void Learn(int first, int count) =>
        new Client(_registry.Address, "GET", [.. Enumerable.Range(first, count).Select(static i => $"/v2/team/app/tags/list?last={i:D6}{new string('0', 6_000)}")]).Dispose();

    /// <returns>Bytes a request, in the round with the fewest.</returns>
    private double Measure<T>(string method, string place, IEnumerable<T> lasts)
        where T : notnull
    {
        using var client = new Client(_registry.Address, method, [.. lasts.Select(last => $"/v2/team/app/{place}/{last}")]);
        // The first ones are compiled, and fill what is remembered.
        client.Ask(5 * Requests);
        var least = double.MaxValue;
        for (var round = 0; round < Rounds; round++)
        {
            var before = GC.GetTotalAllocatedBytes(precise: true);
            client.Ask(Requests);
            var bytes = (GC.GetTotalAllocatedBytes(precise: true) - before) / (double)Requests;
            output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{method} {place}: {bytes:0} bytes a request"));
            least = Math.Min(least, bytes);
        }
        return least;
    }

    /// <summary>One connection, requests made in advance, and answers whose length is known from the first of their kind.</summary>
    private sealed class Client : IDisposable
    {
        private readonly Socket _socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        private readonly byte[] _buffer = new byte[256 * 1024];
        private readonly byte[][] _requests;
        private readonly int[] _lengths;

        public Client(Uri server, string method, string[] paths)
        {
            _socket.Connect(IPAddress.Loopback, server.Port);
            _requests = [.. paths.Select(path => Encoding.ASCII.GetBytes(
                $"{method} {path} HTTP/1.1\r\nHost: {server.Authority}\r\nUser-Agent: test\r\nAccept: {MediaTypes.OciManifest}, {MediaTypes.OciIndex}\r\n\r\n"))];
            _lengths = [.. _requests.Select(request => Learn(request, isHead: method == "HEAD"))];
        }

        public void Ask(int count)
        {
            for (var i = 0; i < count; i++)
            {
                var which = i % _requests.Length;
                _socket.Send(_requests[which].AsSpan());
                var answer = _buffer.AsSpan(0, _lengths[which]);
                for (var filled = 0; filled < answer.Length;)
                {
                    var read = _socket.Receive(answer[filled..]);
                    if (read == 0)
                        throw new IOException("the server closed the connection");
                    filled += read;
                }
                if (!answer.StartsWith("HTTP/1.1 200 "u8))
                    throw new IOException(Encoding.ASCII.GetString(answer));
            }
        }

        public void Dispose() => _socket.Dispose();

        private int Learn(byte[] request, bool isHead)
        {
            _socket.Send(request);
            var filled = 0;
            int end;
            while ((end = _buffer.AsSpan(0, filled).IndexOf("\r\n\r\n"u8)) < 0)
                filled += _socket.Receive(_buffer.AsSpan(filled));
            var head = Encoding.ASCII.GetString(_buffer, 0, end);
            head.ShouldStartWith("HTTP/1.1 200 ");
            var length = head.Split("\r\n").Single(static line => line.StartsWith("Content-Length: ", StringComparison.OrdinalIgnoreCase))[16..];
            var total = end + 4 + (isHead ? 0 : int.Parse(length, CultureInfo.InvariantCulture));
            while (filled < total)
                filled += _socket.Receive(_buffer.AsSpan(filled));
            filled.ShouldBe(total);
            return total;
        }
    }
}
