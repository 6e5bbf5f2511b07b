using Holdfast.Oci;
using Holdfast.Storage;
using Holdfast.Storage.Metadata;
using Simulation.Caches;
using Simulation.Clients;
using Simulation.Disk;
using Simulation.Scheduling;

namespace Simulation;

/// <summary>One history's server and all around it: what outlives a crash, and the process that doesn't.</summary>
internal sealed class World
{
    public const int Repositories = 3;
    public const int TagNames = 3;

    private static readonly Tag[] TagTexts = [.. Enumerable.Range(0, TagNames).Select(i => Tag.Parse($"t{i}"))];

    private const string RegistryName = "private";

    private readonly SimulatedRows _rows;
    private readonly RepositoryKey[] _keys;
    private readonly Dictionary<Digest, int> _damages = [];
    private readonly Dictionary<(int Repository, Digest Digest), LinkDeletes> _linkDeletes = [];
    private long _purgedUntilMs = long.MinValue;
    private int _emergencies;

    public World(SimulatedRows rows, int seed, Action<string>? trace)
    {
        _rows = rows;
        rows.Clear();
        rows.ForgetCopy();
        Random = new Random(seed);
        Profile = Profile.Draw(Random);
        Trace = trace;
        Time = new SimulatedTime();
        Schedule = new Schedule(Random) { Trace = trace, IsOver = () => Journal!.Left is not null };
        Disk = new SimulatedDisk(Time);
        var registry = Registries.Ensure(rows.Session, RegistryName);
        Journal = new SimulatedJournal(this);
        _keys = [.. Enumerable.Range(0, Repositories).Select(i => new RepositoryKey(registry, RepositoryName.Parse($"r{i}")))];
        Model = new Model(Look, (repository, node) => Manifests.Find(Session, _keys[repository], ReferenceTo(node.Digest)) is not null, () => Process!.Database.NeedsRestart);
        Retention = new RetentionWatch(this);
        Donor = new SimulatedDonor(this);
        if (Profile.Caches is { } caches)
            Caches = new CacheWorld(this, caches);
        Process = new ServerProcess(this);
        Process.Database.Open(StartOfRows.Begin(this));
        MayCut = true;
    }

    public RetentionWatch Retention { get; }

    public SimulatedDonor Donor { get; }

    /// <summary>Null in a history without any.</summary>
    public CacheWorld? Caches { get; set; }

    /// <summary>Blobs that somebody has damaged, and that are not known to be right again.</summary>
    public HashSet<Digest> Damaged { get; } = [];

    public List<DeletedThing> Deleted { get; } = [];

    /// <summary>Uploads that were begun with a row, so that a crash leaves something to go on with.</summary>
    public List<(int Repository, Guid Upload, Digest Blob)> Resumable { get; } = [];

    /// <summary>Uploads that a request of this process has opened.</summary>
    public HashSet<Guid> OpenUploads { get; } = [];

    public Random Random { get; }

    public Profile Profile { get; }

    public Action<string>? Trace { get; }

    public SimulatedTime Time { get; }

    public Schedule Schedule { get; }

    public SimulatedDisk Disk { get; private set; }

    public SimulatedJournal Journal { get; private set; }

    public SimulatedRows Rows => _rows;

    /// <summary>False at the end, when the disk is well again.</summary>
    public bool MayFail { get; set; } = true;

    /// <summary>May the power go in the middle of a commit?</summary>
    public bool MayCut { get; set; }

    /// <summary>Is the database gone, so that the next start must make it again?</summary>
    public bool HasLostRows { get; set; }

    public Model Model { get; }

    public ServerProcess Process { get; private set; }

    /// <summary>For looking, beside the process.</summary>
    public MetadataSession Session => _rows.Session;

    /// <summary>Requests and runs of the background's work so far.</summary>
    public int Steps { get; set; }

    /// <summary>Somebody asks for a run that empties the trash.</summary>
    public void NoteEmergency() => _emergencies++;

    public void NoteEmergencyEnded()
    {
        _emergencies--;
        _purgedUntilMs = Time.PassedMs;
    }

    /// <summary>May it be that what was deleted then was purged before its time?</summary>
    public bool WasPurged(long deletedAtMs) => _emergencies > 0 || deletedAtMs <= _purgedUntilMs;

    public LinkDeletes LinkDeletesOf(int repository, Digest digest) => _linkDeletes.GetValueOrDefault((repository, digest));

    public void NoteLinkDelete(int repository, Digest digest)
    {
        var deletes = LinkDeletesOf(repository, digest);
        _linkDeletes[(repository, digest)] = new LinkDeletes(deletes.Begun + 1, deletes.UnderWay + 1);
    }

    public void NoteLinkDeleteEnded(int repository, Digest digest)
    {
        var deletes = LinkDeletesOf(repository, digest);
        _linkDeletes[(repository, digest)] = deletes with { UnderWay = deletes.UnderWay - 1 };
    }

    public int DamagesOf(Digest digest) => _damages.GetValueOrDefault(digest);

    public void Damage(Digest digest, byte[]? bytes)
    {
        Trace?.Invoke($"  damage {Content.NameOf(digest)}: {(bytes is null ? "removed" : $"{bytes.Length} bytes")}");
        Disk.Damage(digest, bytes);
        Damaged.Add(digest);
        _damages[digest] = DamagesOf(digest) + 1;
    }

    /// <summary>It is not there, as if somebody had taken it away.</summary>
    public void NoteLost(Digest digest)
    {
        if (Damaged.Add(digest))
            _damages[digest] = DamagesOf(digest) + 1;
    }

    /// <summary>After a push was acknowledged: it heals whatever was wrong before.</summary>
    public void ShouldBeRight(Digest digest, int damages)
    {
        if (!IsRight(digest) && DamagesOf(digest) == damages)
            throw new BrokenPromiseException($"{Content.NameOf(digest)} was pushed, and its bytes are not right");
    }

    /// <summary>Does the session's row outlive, and does nobody use it? What a client would learn by asking for the upload's status.</summary>
    public bool MayResume(Guid upload) => !OpenUploads.Contains(upload) && Uploads.List(Session).Any(row => row.Id == upload);

    public const string Registry = RegistryName;

    public RepositoryKey KeyOf(int repository) => _keys[repository];

    public static Reference ReferenceTo(int tag) => TagReferences[tag];

    public static Tag TagOf(int tag) => TagTexts[tag];

    public static Reference ReferenceTo(Digest digest) =>
        Reference.TryParse(digest.ToString(), out var reference) ? reference : throw new InvalidOperationException("a digest is a reference");

    public Guid NewId()
    {
        Span<byte> bytes = stackalloc byte[16];
        Random.NextBytes(bytes);
        return new Guid(bytes);
    }

    /// <summary>Are the blob's bytes on the disk the right ones?</summary>
    public bool IsRight(Digest digest) => Disk.Find(digest) is { } file && Content.BytesOf(digest).AsSpan().SequenceEqual(file.Bytes);

    /// <summary>Would they be the right ones after a power cut, too?</summary>
    public bool IsDurable(Digest digest) =>
        Disk.Blobs.GetValueOrDefault(digest) is { Now: { } file } name && name.Durable == file && IsRight(digest);

    /// <summary>The process is killed, or the power goes, and what was not synced may be lost; the process starts again.</summary>
    public void Crash()
    {
        var isKill = Journal.Left is null ? Random.Next(2) == 0 : Journal.IsLeftByKill;
        Trace?.Invoke(isKill ? "  killed" : "  power cut");
        Schedule.Abandon();
        Time.Abandon();
        if (!isKill)
            Disk = Disk.Cut(Random);
        Journal = Journal.Left ?? (isKill ? Journal.Keep() : Journal.Cut());
        Model.ForgetAll();
        Retention.Abandon();
        Caches?.Abandon();
        OpenUploads.Clear();
        _linkDeletes.Clear();
        if (_emergencies > 0)
            (_emergencies, _purgedUntilMs) = (0, Time.PassedMs);
        Process = new ServerProcess(this);
    }

    /// <summary>The database is gone, or an older copy of it is put back. Not while a manifest's file is damaged, too: then its bytes would be nowhere.</summary>
    public void TryLoseRows()
    {
        if (Damaged.Any(digest => Content.FindNode(digest) is not null))
            return;
        if (_rows.HasCopy && Random.Next(2) == 0)
        {
            Trace?.Invoke("  an older copy of the database is put back");
            _rows.PutCopyBack();
            HadOlderRows = true;
            Caches?.Watch.Forget();
            return;
        }
        Trace?.Invoke("  the database is lost");
        HasLostRows = true;
    }

    /// <summary>Then rows that nothing refers to may be those of files that the collection has taken, if a power cut came while the start looked for them.</summary>
    public bool HadOlderRows { get; private set; }

    public void ClearRows()
    {
        _rows.Clear();
        Registries.Ensure(Session, RegistryName);
        Caches?.EnsureRows();
        Caches?.Watch.Forget();
    }

    private Digest? Look(int repository, int tag) =>
        Manifests.Find(Session, _keys[repository], TagReferences[tag])?.Digest;

    private static readonly Reference[] TagReferences = [.. Enumerable.Range(0, TagNames).Select(i =>
        Reference.TryParse($"t{i}", out var reference) ? reference : throw new InvalidOperationException())];
}

/// <summary>Deletes of a blob in a repository: how many were sent, and of how many nobody has heard yet.</summary>
internal readonly record struct LinkDeletes(int Begun, int UnderWay)
{
    /// <summary>Was none of them under way at any time since then?</summary>
    public bool WereNoneSince(LinkDeletes then) => then.UnderWay == 0 && UnderWay == 0 && Begun == then.Begun;
}
