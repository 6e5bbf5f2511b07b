using System.Globalization;
using Holdfast.Storage.Journal;
using Simulation.Scheduling;

namespace Simulation.Disk;

/// <summary>
/// The journal's files in memory: each with the bytes that are seen and those that a power cut leaves. Its calls don't wait for a turn, since the writer has the
/// database's lock all the while; each can fail, and before each the power may go: then what is left is drawn at once, and what the process still does counts for nothing.
/// </summary>
internal sealed class SimulatedJournal(World world) : JournalFiles
{
    private readonly SortedDictionary<string, Entry> _entries = new(StringComparer.Ordinal);
    private bool _isSick;

    /// <summary>What the crash in the middle of a commit has left; null: there was none.</summary>
    public SimulatedJournal? Left { get; private set; }

    /// <summary>Was it only the process that died in it? Then what nobody synced is still there, and still unsynced.</summary>
    public bool IsLeftByKill { get; private set; }

    public override List<(long Sequence, string Path)> List(string kind) =>
    [
        .. _entries.Where(entry => entry.Value.IsThere && entry.Key.EndsWith(kind, StringComparison.Ordinal))
            .Select(entry => (long.Parse(Path.GetFileNameWithoutExtension(entry.Key), CultureInfo.InvariantCulture), entry.Key)),
    ];

    public override string PathOf(long sequence, string kind) => sequence.ToString("d20", CultureInfo.InvariantCulture) + kind;

    public override JournalBytes OpenToRead(string path) => new Open(this, _entries[path], path);

    public override JournalBytes OpenToWrite(string path) => new Open(this, _entries[path], path);

    public override JournalBytes Create(string path)
    {
        Step("begin a segment", Faults.Any);
        if (!_entries.TryGetValue(path, out var entry))
            _entries[path] = entry = new Entry();
        entry.IsThere = true;
        return new Open(this, entry, path);
    }

    public override void Sync()
    {
        Step("sync the journal's folder", Faults.InputOutput);
        foreach (var entry in _entries.Values)
            entry.IsDurable = entry.IsThere;
    }

    /// <summary>The files as the next start finds them.</summary>
    public SimulatedJournal Cut()
    {
        var after = new SimulatedJournal(world);
        foreach (var (path, entry) in _entries.Where(entry => entry.Value.IsDurable || world.Random.Next(2) == 0))
        {
            var bytes = Tear(entry);
            after._entries[path] = new Entry { Bytes = bytes, Synced = bytes, IsThere = true, IsDurable = true };
        }
        return after;
    }

    /// <summary>The files as the next start finds them if only the process has died.</summary>
    public SimulatedJournal Keep()
    {
        var after = new SimulatedJournal(world);
        foreach (var (path, entry) in _entries)
            after._entries[path] = new Entry { Bytes = entry.Bytes, Synced = entry.Synced, IsThere = entry.IsThere, IsDurable = entry.IsDurable };
        return after;
    }

    /// <summary>A moment at which the process may die, or the power go.</summary>
    /// <returns>True if it was.</returns>
    public bool MayCut(string moment)
    {
        if (Left is not null || world.Profile.CrashOneIn == 0 || !world.MayCut || world.Random.Next(world.Profile.CrashOneIn * 3) != 0)
            return false;
        IsLeftByKill = world.Random.Next(2) == 0;
        world.Trace?.Invoke($"    {(IsLeftByKill ? "the process is killed" : "the power goes")}: {moment}");
        Left = IsLeftByKill ? Keep() : Cut();
        return true;
    }

    /// <summary>A moment at which the disk may fail; where it has failed once, it is likely to do it again.</summary>
    public IOException? DrawFault(string what, Faults faults)
    {
        var fault = world.Schedule.DrawFault(faults, _isSick ? 3 : world.Schedule.FaultOneIn);
        _isSick = fault is not null;
        if (fault is not null)
            world.Trace?.Invoke($"    {what}: {fault.Message}");
        return fault;
    }

    private void Step(string what, Faults faults)
    {
        if (MayCut($"before {what}"))
            throw new IOException("simulated: the power is gone");
        if (Left is null && DrawFault(what, faults) is { } fault)
            throw fault;
    }

    // What was added or cut off since the last sync may be there or not, and what was added may be there in part, or as zeros.
    private byte[] Tear(Entry entry)
    {
        var (now, synced) = (entry.Bytes, entry.Synced);
        if (ReferenceEquals(now, synced))
            return now;
        var common = now.AsSpan().CommonPrefixLength(synced);
        if (common == now.Length)
            return world.Random.Next(2) == 0 ? now : synced;
        var kept = world.Random.Next(common, now.Length + 1);
        var torn = new byte[world.Random.Next(kept, now.Length + 1)];
        now.AsSpan(0, kept).CopyTo(torn);
        return torn;
    }

    private sealed class Entry
    {
        public byte[] Bytes { get; set; } = [];

        public byte[] Synced { get; set; } = [];

        public bool IsThere { get; set; }

        public bool IsDurable { get; set; }
    }

    private sealed class Open(SimulatedJournal journal, Entry entry, string path) : JournalBytes
    {
        public override long Length => entry.Bytes.Length;

        public override int Read(Span<byte> target, long offset)
        {
            if (journal.DrawFault($"read {path}", Faults.InputOutput) is { } fault)
                throw fault;
            var count = (int)Math.Clamp(entry.Bytes.Length - offset, 0, target.Length);
            entry.Bytes.AsSpan((int)offset, count).CopyTo(target);
            return count;
        }

        public override void Write(ReadOnlySpan<byte> bytes, long offset)
        {
            try
            {
                journal.Step("write the journal", Faults.Any);
            }
            catch (IOException)
            {
                Put(bytes[..journal.World.Random.Next(bytes.Length + 1)], offset);
                throw;
            }
            Put(bytes, offset);
            // Between the write and the sync any part of it may be on the disk.
            if (journal.MayCut("after the journal is written"))
                throw new IOException("simulated: the power is gone");
        }

        public override void Truncate(long length)
        {
            journal.Step("truncate the journal", Faults.InputOutput);
            if (length < entry.Bytes.Length)
                entry.Bytes = entry.Bytes[..(int)length];
        }

        public override void Sync()
        {
            journal.Step("sync the journal", Faults.InputOutput);
            entry.Synced = entry.Bytes;
        }

        public override void TryReserve(long length)
        {
        }

        public override void Dispose()
        {
        }

        private void Put(ReadOnlySpan<byte> bytes, long offset)
        {
            var written = new byte[Math.Max(entry.Bytes.Length, offset + bytes.Length)];
            entry.Bytes.CopyTo(written, 0);
            bytes.CopyTo(written.AsSpan((int)offset));
            entry.Bytes = written;
        }
    }

    private World World => world;
}
