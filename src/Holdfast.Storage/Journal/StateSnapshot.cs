using Holdfast.Oci;
using Holdfast.Storage.FileSystem;
using Holdfast.Storage.Metadata;
using Holdfast.Storage.Native;
using Microsoft.Win32.SafeHandles;

namespace Holdfast.Storage.Journal;

/// <summary>Writes all that a database knows about images as events that make it again: links, manifests with children before parents, the trash, tags. Nothing of caches.</summary>
internal sealed class StateSnapshot : IDisposable
{
    // A line of these is read in one piece, and written in one.
    private const int RowsPerLine = 100;

    // Which children of a trashed index wait for a review, the reviews say: one that was pushed again since stays, though nothing lists it.
    private const long NoChildren = 0;

    private readonly MetadataSession _session;
    private readonly SafeFileHandle _file;
    private readonly string _path;
    private readonly JournalBuffer _buffer = new();
    private readonly List<NamedEvent> _rows = new(RowsPerLine);
    private long _length;
    private long _lines;

    private StateSnapshot(MetadataSession session, SafeFileHandle file, string path) => (_session, _file, _path) = (session, file, path);

    /// <summary>Writes the state after a change; when this returns, it is on the disk under its name.</summary>
    /// <param name="session">Sees one state all along: a transaction is open, or nobody else writes.</param>
    /// <returns>Its bytes.</returns>
    public static long Write(MetadataSession session, string folder, string store, long sequence)
    {
        var path = JournalFolder.PathOf(folder, sequence, JournalFolder.Snapshot);
        var unfinished = path + JournalFolder.Unfinished;
        long length;
        using (var file = Posix.Open(unfinished, Posix.ReadWrite | Posix.Create, UnixFileMode.UserRead | UnixFileMode.UserWrite))
        using (var snapshot = new StateSnapshot(session, file, unfinished))
        {
            Posix.Truncate(file, 0, unfinished);
            snapshot.WriteAll(store, sequence);
            Posix.SyncData(file, unfinished);
            length = snapshot._length;
        }
        Posix.Rename(unfinished, path);
        Posix.SyncFolder(folder);
        return length;
    }

    public void Dispose() => _buffer.Dispose();

    private void WriteAll(string store, long sequence)
    {
        JournalRecord.WriteHeader(_buffer.BeginLine(), store, sequence);
        _buffer.EndLine();
        WriteLinks();
        WriteManifests();
        WriteTags();
        WriteTrash();
        WriteHidden();
        WriteReviews();
        EndRows();
        JournalRecord.WriteEnd(_buffer.BeginLine(), _lines);
        _buffer.EndLine();
        Flush();
    }

    private void WriteLinks()
    {
        const string Sql = """
            SELECT g.name, r.name, b.digest, l.created_at, b.size FROM links l
            JOIN repositories r ON r.id = l.repository_id
            JOIN registries g ON g.id = r.registry_id AND g.kind = 1
            JOIN blobs b ON b.id = l.blob_id
            ORDER BY l.repository_id, l.blob_id
            """;
        using var rows = _session.Prepare(Sql).Query();
        while (rows.Read())
            Add(rows, JournalOperation.Link, rows.Long(3), done => done with { SizeBytes = rows.Long(4) });
    }

    // By depth: a manifest comes after all that it lists.
    private void WriteManifests()
    {
        const string Sql = """
            WITH RECURSIVE depths (id, depth) AS (
              SELECT m.id, 0 FROM manifests m WHERE NOT EXISTS (SELECT 1 FROM manifest_children c WHERE c.manifest_id = m.id)
              UNION
              SELECT c.manifest_id, d.depth + 1 FROM manifest_children c JOIN depths d ON d.id = c.child_id
            )
            SELECT g.name, r.name, b.digest, m.pushed_at, b.size, m.media_type, m.created_at, m.untagged_at, m.pulled_at FROM manifests m
            JOIN (SELECT id, MAX(depth) AS depth FROM depths GROUP BY id) d ON d.id = m.id
            JOIN repositories r ON r.id = m.repository_id
            JOIN registries g ON g.id = r.registry_id AND g.kind = 1
            JOIN blobs b ON b.id = m.blob_id
            ORDER BY d.depth, m.id
            """;
        using var rows = _session.Prepare(Sql).Query();
        while (rows.Read())
        {
            Add(rows, JournalOperation.Manifest, rows.Long(3), done => done with
            {
                SizeBytes = rows.Long(4),
                MediaType = LostManifests.OriginalType(rows.Text(5)),
                Times = new RowTimes(rows.Long(6), UntaggedMs: rows.LongOrNull(7), PulledMs: rows.Long(8)),
            });
        }
    }

    private void WriteTags()
    {
        const string Sql = """
            SELECT g.name, r.name, b.digest, t.pushed_at, t.name, t.created_at, t.updated_at, t.imported FROM tags t
            JOIN repositories r ON r.id = t.repository_id
            JOIN registries g ON g.id = r.registry_id AND g.kind = 1
            JOIN manifests m ON m.id = t.manifest_id
            JOIN blobs b ON b.id = m.blob_id
            ORDER BY t.repository_id, t.name
            """;
        using var rows = _session.Prepare(Sql).Query();
        while (rows.Read())
        {
            Add(rows, JournalOperation.Tag, rows.Long(3), done => done with
            {
                Tag = Tag.Parse(rows.Text(4)),
                Times = new RowTimes(rows.Long(5), rows.Long(6)),
                PushedMs = rows.Long(7) == 1 ? rows.Long(3) : null,
            });
        }
    }

    private void WriteTrash()
    {
        const string Sql = """
            SELECT g.name, r.name, b.digest, t.deleted_at, t.kind, t.operation, t.cause, t.actor, t.run, t.tag, t.tag_created_at, t.tag_pushed_at FROM trash t
            JOIN repositories r ON r.id = t.repository_id
            JOIN registries g ON g.id = r.registry_id AND g.kind = 1
            LEFT JOIN manifests m ON m.id = t.manifest_id
            JOIN blobs b ON b.id = COALESCE(m.blob_id, t.blob_id)
            ORDER BY t.id
            """;
        using var rows = _session.Prepare(Sql).Query();
        while (rows.Read())
        {
            Add(rows, OperationOf((TrashKind)rows.Long(4)), rows.Long(3), done => done with
            {
                Deletion = new Deletion(rows.Text(5), (DeletionCause)rows.Long(6), rows.Text(7), rows.TextOrNull(8)) { SinceMs = NoChildren },
                Tag = rows.TextOrNull(9) is { } tag ? Tag.Parse(tag) : default,
                Times = rows.LongOrNull(10) is { } created ? new RowTimes(created, rows.Long(11)) : null,
            });
        }
    }

    // What is hidden without a row of the trash, because its time there is over and something still holds it, must not become visible again.
    private void WriteHidden()
    {
        const string Sql = """
            SELECT g.name, r.name, b.digest, m.trashed_at, 2 FROM manifests m
            JOIN repositories r ON r.id = m.repository_id
            JOIN registries g ON g.id = r.registry_id AND g.kind = 1
            JOIN blobs b ON b.id = m.blob_id
            WHERE m.trashed_at IS NOT NULL AND NOT EXISTS (SELECT 1 FROM trash t WHERE t.manifest_id = m.id AND t.kind = 2)
            UNION ALL
            SELECT g.name, r.name, b.digest, l.trashed_at, 3 FROM links l
            JOIN repositories r ON r.id = l.repository_id
            JOIN registries g ON g.id = r.registry_id AND g.kind = 1
            JOIN blobs b ON b.id = l.blob_id
            WHERE l.trashed_at IS NOT NULL AND NOT EXISTS (SELECT 1 FROM trash t WHERE t.repository_id = l.repository_id AND t.blob_id = l.blob_id)
            """;
        using var rows = _session.Prepare(Sql).Query();
        while (rows.Read())
        {
            var kind = (TrashKind)rows.Long(4);
            Add(rows, OperationOf(kind), rows.Long(3), done => done with { Deletion = new Deletion("snapshot", DeletionCause.Collection, "collection") { SinceMs = NoChildren } });
            if (kind == TrashKind.Link)
                Add(rows, JournalOperation.ForgetLink, rows.Long(3), done => done);
        }
    }

    // Last, for putting a manifest or a tag ends a review. Those of links come with the links, and a blob that only waits for its own has no row after a
    // rebuild: it is a file that nobody knows, and is adopted and collected as such.
    private void WriteReviews()
    {
        const string Sql = """
            SELECT g.name, r.name, b.digest, v.orphaned_at FROM manifest_reviews v
            JOIN manifests m ON m.id = v.manifest_id
            JOIN repositories r ON r.id = m.repository_id
            JOIN registries g ON g.id = r.registry_id AND g.kind = 1
            JOIN blobs b ON b.id = m.blob_id
            ORDER BY v.manifest_id
            """;
        using var rows = _session.Prepare(Sql).Query();
        while (rows.Read())
            Add(rows, JournalOperation.ReviewManifest, rows.Long(3), done => done);
    }

    private static JournalOperation OperationOf(TrashKind kind) => kind switch
    {
        TrashKind.Tag => JournalOperation.TrashTag,
        TrashKind.Manifest => JournalOperation.TrashManifest,
        TrashKind.Link => JournalOperation.TrashLink,
        _ => throw new InvalidOperationException($"the trash holds something of kind {(int)kind} (invariant)"),
    };

    private void Add(StatementRows rows, JournalOperation operation, long atMs, Func<JournalEvent, JournalEvent> complete)
    {
        var repository = new RepositoryKey(0, RepositoryName.Parse(rows.Text(1)));
        _rows.Add(new NamedEvent(rows.Text(0), complete(new JournalEvent(operation, repository, rows.Digest(2), atMs))));
        if (_rows.Count == RowsPerLine)
            EndRows();
    }

    private void EndRows()
    {
        if (_rows.Count == 0)
            return;
        JournalRecord.WriteState(_buffer.BeginLine(), _rows);
        _buffer.EndLine();
        _rows.Clear();
        _lines++;
        Flush();
    }

    private void Flush()
    {
        if (!Posix.TryWrite(_file, _buffer.Bytes, _length, _path))
            throw new IOException($"the snapshot '{_path}' can't be written");
        _length += _buffer.Length;
        _buffer.Clear();
    }
}
