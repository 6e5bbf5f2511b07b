using Holdfast.Oci;
using Holdfast.Server.Retention;
using Holdfast.Testing;
using Microsoft.Extensions.Logging.Abstractions;
using Shouldly;
using Xunit;

namespace Holdfast.Server.Tests.Retention;

public sealed class PullNotesTests : IAsyncLifetime
{
    private readonly RetentionStore _store = new();
    private readonly PullNotes _notes;
    private readonly Digest _image;

    public PullNotesTests()
    {
        _notes = new PullNotes(_store.Metadata, _store.Time, NullLogger<PullNotes>.Instance);
        _image = _store.Push("app", 1, "latest");
    }

    public ValueTask InitializeAsync() => default;

    public ValueTask DisposeAsync() => _store.DisposeAsync();

    [Fact]
    public async Task Note_WithinTheGrain_IsWrittenOnce()
    {
        await PullAsync();
        var first = PulledAt();
        first.ShouldBe(_store.NowMs);
        _store.Time.Advance(PullNotes.Grain - TimeSpan.FromMinutes(1));
        await PullAsync();
        PulledAt().ShouldBe(first);
        _store.Time.Advance(TimeSpan.FromMinutes(1));
        await PullAsync();
        PulledAt().ShouldBe(_store.NowMs);
    }

    // Flushes that don't come in time, on a machine that lay still or is busy: what was noted before is not this pull.
    [Fact, Promise("P3")]
    public async Task Note_LongAfterTheLastFlush_Counts()
    {
        await PullAsync();
        _store.Time.Advance(2 * PullNotes.Grain);
        _notes.Note(RetentionStore.Key("app"), _image);
        await _notes.FlushAsync(CancellationToken.None);
        PulledAt().ShouldBe(_store.NowMs);
    }

    private Task PullAsync()
    {
        _notes.Note(RetentionStore.Key("app"), _image);
        return _notes.FlushAsync(CancellationToken.None);
    }

    private long? PulledAt() => _store.Read(db => db.Prepare("SELECT pulled_at FROM manifests").QueryLong());
}
