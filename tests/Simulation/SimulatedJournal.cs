using Holdfast.Oci;
using Holdfast.Storage.Blobs;
using Holdfast.Storage.Journal;
using Holdfast.Storage.Metadata;

namespace Simulation;

/// <summary>What every committed change has recorded, as lines of the real journal; from it and the blobs the rows are made again when they are lost.</summary>
internal sealed class SimulatedJournal(string registry) : IDisposable
{
    private readonly JournalBuffer _buffer = new();
    private readonly List<byte[]> _lines = [];

    public void Add(IReadOnlyList<JournalEvent> events)
    {
        if (events.Count == 0)
            return;
        _buffer.Clear();
        JournalRecord.WriteChange(_buffer.BeginLine(), _lines.Count + 1, _lines.Count + 1, [.. events.Select(done => new NamedEvent(registry, done))]);
        _buffer.EndLine();
        _lines.Add(_buffer.Bytes[..^1].ToArray());
    }

    /// <summary>Fills an empty database, as the rebuild does.</summary>
    public async Task ReplayAsync(MetadataSession session, IBlobStore blobs, long nowMs)
    {
        var changes = _lines
            .Select(line => JournalRecord.TryRead(line)?.Events ?? throw new BrokenPromiseException("a line of the journal can't be read"))
            .ToList();
        var payloads = await ManifestPayloads.ReadAsync(blobs, changes.SelectMany(ManifestsOf), CancellationToken.None);
        var replay = new Replay(session, payloads);
        foreach (var change in changes)
            replay.Apply(change);
        if (replay.Refused.Count > 0)
            throw new BrokenPromiseException($"the database refused what the journal tells: {replay.Refused[0]}");
        var ends = new RebuildEnd(session, blobs);
        var missing = await ends.FindMissingAsync(CancellationToken.None);
        var unused = await ends.FindUnusedAsync(CancellationToken.None);
        ends.Settle(missing, unused, [], nowMs);
        session.TakeEvents();
    }

    public void Dispose() => _buffer.Dispose();

    private static IEnumerable<Digest> ManifestsOf(IReadOnlyList<NamedEvent> change) => change
        .Where(named => named.Event.Operation is JournalOperation.Manifest or JournalOperation.Tag).Select(named => named.Event.Digest);
}
