using Holdfast.Oci;

namespace Simulation.Disk;

/// <summary>
/// The disk of one data folder: three folders of names. What is written, renamed or removed is seen at once and survives a power cut only
/// after a sync; of what was not synced, the cut leaves any part.
/// </summary>
internal sealed class SimulatedDisk(TimeProvider time)
{
    // Kernels write back by themselves what nobody syncs.
    private static readonly TimeSpan WrittenBack = TimeSpan.FromMinutes(5);

    private long _lastId;

    public Dictionary<Guid, SimulatedName> Uploads { get; } = [];

    public Dictionary<Digest, SimulatedName> Blobs { get; } = [];

    public Dictionary<string, SimulatedName> Quarantine { get; } = new(StringComparer.Ordinal);

    /// <summary>Of these nothing can be read or told.</summary>
    public HashSet<Digest> Unreadable { get; } = [];

    public SimulatedFile? Find(Digest digest) => Blobs.GetValueOrDefault(digest)?.Now;

    public SimulatedFile Create(Guid upload)
    {
        var file = new SimulatedFile(++_lastId);
        NameOf(Uploads, upload).Now = file;
        Touch(file);
        return file;
    }

    public void Write(SimulatedFile file, byte[] bytes)
    {
        file.Bytes = bytes;
        Touch(file);
    }

    /// <summary>Somebody else puts bytes where a blob lies, or takes the blob away (null). It lasts: nobody can tell when it was.</summary>
    public void Damage(Digest digest, byte[]? bytes)
    {
        var name = NameOf(Blobs, digest);
        if (bytes is null)
        {
            name.Now = name.Durable = null;
            return;
        }
        var file = name.Now ?? new SimulatedFile(++_lastId);
        Write(file, bytes);
        file.Synced = bytes;
        name.Now = name.Durable = file;
    }

    public void Rename(Guid upload, Digest digest)
    {
        var source = NameOf(Uploads, upload);
        var target = NameOf(Blobs, digest);
        if (target.Now is { } replaced)
            replaced.HasName = false;
        target.Now = source.Now;
        source.Now = null;
        Touch(target.Now!);
    }

    public void Rename(Digest digest, string quarantined)
    {
        var source = NameOf(Blobs, digest);
        NameOf(Quarantine, quarantined).Now = source.Now;
        Touch(source.Now!);
        source.Now = null;
    }

    public void Remove(Guid upload) => NameOf(Uploads, upload).Now = null;

    public void Remove(Digest digest)
    {
        var name = NameOf(Blobs, digest);
        if (name.Now is { } file)
            file.HasName = false;
        name.Now = null;
    }

    // Only this name of its folder: a sync for one blob says nothing about another's.
    public void SyncFolder(Digest digest) => Sync(Blobs, digest);

    public void SyncFolder(string quarantined) => Sync(Quarantine, quarantined);

    /// <summary>The disk as the next start finds it.</summary>
    public SimulatedDisk Cut(Random random)
    {
        var after = new SimulatedDisk(time) { _lastId = _lastId };
        after.Unreadable.UnionWith(Unreadable);
        var files = new Dictionary<SimulatedFile, SimulatedFile>(ReferenceEqualityComparer.Instance);
        var cut = new PowerCut(random, time.GetUtcNow() - WrittenBack);
        Cut(Uploads, after.Uploads, files, cut);
        Cut(Blobs, after.Blobs, files, cut);
        Cut(Quarantine, after.Quarantine, files, cut);
        return after;
    }

    private static void Cut<TKey>(
        Dictionary<TKey, SimulatedName> before, Dictionary<TKey, SimulatedName> after, Dictionary<SimulatedFile, SimulatedFile> files, PowerCut cut)
        where TKey : notnull
    {
        foreach (var (key, name) in before)
        {
            var isAtRest = name.Now is { } now && now.Changed < cut.WrittenBackBefore;
            var left = name.Now != name.Durable && !isAtRest && cut.Random.Next(2) == 0 ? name.Durable : name.Now;
            if (left is null)
                continue;
            if (!files.TryGetValue(left, out var file))
                files[left] = file = isAtRest ? Rest(left) : Tear(left, cut.Random);
            after[key] = new SimulatedName { Now = file, Durable = file };
        }
    }

    private static SimulatedFile Tear(SimulatedFile file, Random random)
    {
        var bytes = file.Bytes;
        if (!ReferenceEquals(bytes, file.Synced))
        {
            var isLonger = bytes.AsSpan().StartsWith(file.Synced);
            var kept = random.Next(isLonger ? file.Synced.Length : 0, bytes.Length + 1);
            // A file's length may be on the disk before its bytes are.
            var torn = new byte[random.Next(kept, bytes.Length + 1)];
            bytes.AsSpan(0, kept).CopyTo(torn);
            bytes = torn;
        }
        return new SimulatedFile(file.Id) { Bytes = bytes, Synced = bytes, Stamp = file.Stamp, Changed = file.Changed };
    }

    private static SimulatedFile Rest(SimulatedFile file) =>
        new(file.Id) { Bytes = file.Bytes, Synced = file.Bytes, Stamp = file.Stamp, Changed = file.Changed };

    private readonly record struct PowerCut(Random Random, DateTimeOffset WrittenBackBefore);

    private void Touch(SimulatedFile file)
    {
        file.Stamp = (file.Id * 1_000_000) + (file.Stamp % 1_000_000) + 1;
        file.Changed = time.GetUtcNow();
    }

    private static SimulatedName NameOf<TKey>(Dictionary<TKey, SimulatedName> folder, TKey key) where TKey : notnull
    {
        if (!folder.TryGetValue(key, out var name))
            folder[key] = name = new SimulatedName();
        return name;
    }

    private static void Sync<TKey>(Dictionary<TKey, SimulatedName> folder, TKey key) where TKey : notnull
    {
        var name = NameOf(folder, key);
        name.Durable = name.Now;
        if (name.Now is null)
            folder.Remove(key);
    }
}
