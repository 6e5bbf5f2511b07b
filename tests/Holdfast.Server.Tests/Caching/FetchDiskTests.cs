using System.Net;
using System.Text;
using Holdfast.Server.Caching;
using Holdfast.Server.Http;
using Holdfast.Server.Tests.Hosting;
using Holdfast.Server.Tests.Protocol;
using Holdfast.Storage.Blobs;
using Holdfast.Testing;
using Shouldly;
using Xunit;

namespace Holdfast.Server.Tests.Caching;

/// <summary>Our own disk doesn't give back what a fetch has written to it.</summary>
public sealed class FetchDiskTests
{
    private const int Big = 3_000_000;

    [Fact, Promise("P4"), Promise("P8")]
    public async Task FileOfAFetch_ThatIsCutShort_IsLoggedOnceAndNothingOfItIsKept()
    {
        using var logs = new CollectedLogs();
        await using var lab = await CachingLab.StartAsync(new LabPlan { Logs = logs });
        var image = await lab.PushAsync("v1", 1, Big);
        var gate = new Gate();
        lab.Proxy.Add(new Fault { Of = Fault.Get("/blobs/"), Gate = gate, GateAt = 1_000_000, Times = 1 });
        using var first = await lab.OpenAsync(lab.Blob(image.Layer));
        await using var stream = await first.Content.ReadAsStreamAsync();
        var start = await CachingLab.ReadAsync(stream, 1_000_000);
        start.AsSpan().SequenceEqual(image.Layer.AsSpan(0, start.Length)).ShouldBeTrue();
        await using (var file = File.Open(lab.LeftUploads().ShouldHaveSingleItem(), FileMode.Open, FileAccess.Write, FileShare.ReadWrite))
            file.SetLength(0);
        foreach (var (status, body, _) in await Task.WhenAll(Enumerable.Range(0, 5).Select(_ => lab.PullAsync(lab.Blob(image.Layer)))))
        {
            status.ShouldBe(HttpStatusCode.InternalServerError);
            Encoding.UTF8.GetString(body).ShouldContain("could not be read back from this server's disk");
        }
        gate.Open();
        // Who had those bytes already gets the rest.
        (await CachingLab.ReadAsync(stream, Big - start.Length)).AsSpan().SequenceEqual(image.Layer.AsSpan(start.Length)).ShouldBeTrue();
        await lab.ShouldBeSoundAsync();
        (await lab.LinkedAsync(image.Layer)).ShouldBe(0);
        logs.Lines.Count(static line => line.Contains("could not be read back", StringComparison.Ordinal)).ShouldBe(1);
        logs.Lines.ShouldNotContain(static line => line.StartsWith("Error Request", StringComparison.Ordinal));
        await lab.ShouldPullAsync(lab.Blob(image.Layer), image.Layer);
        await lab.ShouldBeKeptAsync(image.Layer);
    }

    [Fact]
    public async Task Read_OfADiskThatFails_IsToldOnceForAll()
    {
        var told = new List<IOException>();
        await using var bytes = new FetchedBytes { Unreadable = told.Add };
        bytes.SetSize(1_000_000);
        bytes.UseFile(new FailingReader());
        bytes.NoteWritten(500_000);
        for (var i = 0; i < 3; i++)
        {
            await using var reader = bytes.TryJoin().ShouldNotBeNull();
            (await Should.ThrowAsync<FetchBrokenException>(async () => await reader.ReadAsync(new byte[10], CancellationToken.None))).IsOurs.ShouldBeTrue();
        }
        told.ShouldHaveSingleItem().Message.ShouldBe("Input/output error");
        bytes.IsUnreadable.ShouldBeTrue();
    }

    private sealed class FailingReader : BlobReader
    {
        public override long SizeBytes => 500_000;

        public override long Stamp => 1;

        public override ValueTask<bool> WasChangedAsync(CancellationToken cancellationToken) => new(false);

        public override ValueTask<int> ReadAsync(long offsetBytes, Memory<byte> buffer, CancellationToken cancellationToken) => throw new IOException("Input/output error");

        public override ValueTask DisposeAsync() => default;
    }
}
