using System.Data.Common;
using Holdfast.Oci;
using Holdfast.Storage.Metadata;

namespace Holdfast.Storage.Journal;

/// <summary>
/// Does again to a database what the journal's events say, through the same tables that did it first. What was decided then (that nothing held
/// it) isn't asked again; the foreign keys still have the last word.
/// </summary>
internal sealed class Replay(MetadataSession session, IReadOnlyDictionary<Digest, ManifestBytes> payloads)
{
    private readonly List<string> _refused = [];

    /// <summary>Events that the database refused, in sentences.</summary>
    public IReadOnlyList<string> Refused => _refused;

    /// <summary>Applies one change. Part of a transaction of the caller's.</summary>
    public void Apply(IReadOnlyList<NamedEvent> events)
    {
        foreach (var named in events)
        {
            var done = named.Event with { Repository = named.Event.Repository with { Registry = Registries.Ensure(session, named.Registry) } };
            session.Prepare("SAVEPOINT event").Execute();
            try
            {
                Apply(done);
            }
            catch (DbException e)
            {
                session.Prepare("ROLLBACK TO event").Execute();
                _refused.Add($"{done.Operation.Name()} {done.Digest} in {named.Registry}/{done.Repository.Name}: {e.Message}");
            }
            session.Prepare("RELEASE event").Execute();
            session.TakeEvents();
        }
    }

    private void Apply(JournalEvent done)
    {
        switch (done.Operation)
        {
            case JournalOperation.Link:
                var blobId = BlobRows.EnsureUnseen(session, done.Digest, done.SizeBytes, done.AtMs);
                BlobLinks.Add(session, done.Repository, blobId, new LinkedBlob(done.Digest, done.SizeBytes), done.AtMs);
                break;
            case JournalOperation.Manifest:
                PutManifest(done);
                break;
            case JournalOperation.Tag:
                PutTag(done);
                break;
            case JournalOperation.TrashTag or JournalOperation.TrashManifest or JournalOperation.TrashLink:
                ApplyTrash(done);
                break;
            default:
                ApplyToTrashed(done);
                break;
        }
    }

    /// <summary>Puts a manifest with its edges if its bytes are there and its closure is whole; else its row alone.</summary>
    /// <returns>False if it is lost.</returns>
    public bool PutManifest(JournalEvent done)
    {
        var isPut = FindBytes(done.Digest) is { } bytes
            && ManifestParser.TryParse(bytes.Payload, done.MediaType, out var manifest, out _)
            && Manifests.Put(session, new ManifestPut(done.Repository, done.Digest, bytes.Payload, manifest, [], bytes.Stamp) { PushedMs = done.PushedMs }, done.AtMs).IsWhole;
        if (!isPut)
            LostManifests.Put(session, done);
        if (done.Times is { } times)
        {
            const string Sql = """
                UPDATE manifests SET created_at = @created, pushed_at = @pushed, untagged_at = @untagged, pulled_at = @pulled
                WHERE id = @manifest
                """;
            var statement = session.Prepare(Sql).Set("@created", times.CreatedMs).Set("@pushed", done.AtMs).Set("@pulled", times.PulledMs);
            if (times.UntaggedMs is { } untagged)
                statement.Set("@untagged", untagged);
            else
                statement.Set("@untagged", (string?)null);
            statement.Set("@manifest", FindManifest(done)!.Value.Id).Execute();
        }
        return isPut;
    }

    // The database's own copy if the file is damaged: what is there already must not be lost to a change that was made once more. Its stamp is none, so
    // that the file is looked at.
    private ManifestBytes? FindBytes(Digest digest)
    {
        if (payloads.TryGetValue(digest, out var bytes))
            return bytes;
        return Manifests.ReadPayload(session, digest) is { } copy && Digest.Compute(digest.Algorithm, copy) == digest ? new ManifestBytes(copy, 0) : null;
    }

    private void PutTag(JournalEvent done)
    {
        // A journal with lost lines may tell of a tag and not of its manifest.
        if (FindManifest(done) is null)
            PutManifest(done with { Operation = JournalOperation.Manifest, Times = null });
        var (repositoryId, id, _) = FindManifest(done)!.Value;
        Tags.Put(session, new Located<Tag>(done.Repository, repositoryId, done.Tag), id, done.Digest, done.AtMs, done.PushedMs);
        if (done.Times is not { } times)
            return;
        const string Sql = "UPDATE tags SET created_at = @created, updated_at = @updated WHERE repository_id = @repository AND name = @tag";
        session.Prepare(Sql)
            .Set("@created", times.CreatedMs).Set("@updated", times.UpdatedMs).Set("@repository", repositoryId).Set("@tag", done.Tag.ToString()).Execute();
    }

    private void ApplyTrash(JournalEvent done)
    {
        if (done.Operation == JournalOperation.TrashLink)
        {
            if (FindLink(done) is { IsTrashed: false } link)
                Trash.AddLink(session, new Located<long>(done.Repository, link.RepositoryId, link.BlobId), done.Deletion!, done.AtMs);
            return;
        }
        if (FindManifest(done) is not { } manifest)
            return;
        if (done.Operation == JournalOperation.TrashManifest && !manifest.IsTrashed)
            Trash.AddManifest(session, new Located<long>(done.Repository, manifest.RepositoryId, manifest.Id), done.Deletion!, done.AtMs);
        else if (done.Operation == JournalOperation.TrashTag && done.Times is null)
            Trash.AddTag(session, new Located<Tag>(done.Repository, manifest.RepositoryId, done.Tag), done.Deletion!, done.AtMs);
        else if (done.Operation == JournalOperation.TrashTag)
            TrashReplay.AddTagRow(session, done, manifest.RepositoryId, manifest.Id);
    }

    private void ApplyToTrashed(JournalEvent done)
    {
        if (done.Operation is JournalOperation.RestoreLink or JournalOperation.PurgeLink or JournalOperation.ForgetLink)
        {
            if (FindLink(done) is { } link)
                TrashReplay.EndLink(session, link.RepositoryId, link.BlobId, done);
            return;
        }
        if (FindManifest(done) is not { } manifest)
            return;
        switch (done.Operation)
        {
            case JournalOperation.RestoreManifest:
                TrashReplay.RestoreManifest(session, manifest.Id, done.AtMs);
                break;
            case JournalOperation.ReviewManifest:
                Reviews.QueueManifest(session, manifest.Id, done.AtMs);
                break;
            case JournalOperation.PurgeManifest:
                TrashReplay.PurgeManifest(session, manifest.Id, done.AtMs);
                break;
            default:
                TrashReplay.EndTag(session, manifest.Id, done);
                break;
        }
    }

    private (long RepositoryId, long Id, bool IsTrashed)? FindManifest(JournalEvent done)
    {
        const string Sql = """
            SELECT r.id, m.id, m.trashed_at FROM repositories r
            JOIN blobs b ON b.digest = @digest
            JOIN manifests m ON m.repository_id = r.id AND m.blob_id = b.id
            WHERE r.registry_id = @registry AND r.name = @repository
            """;
        using var rows = session.Prepare(Sql).Set(done.Repository).Set("@digest", done.Digest).Query();
        return rows.Read() ? (rows.Long(0), rows.Long(1), rows.LongOrNull(2) is not null) : null;
    }

    private (long RepositoryId, long BlobId, bool IsTrashed)? FindLink(JournalEvent done)
    {
        const string Sql = """
            SELECT r.id, b.id, l.trashed_at FROM repositories r
            JOIN blobs b ON b.digest = @digest
            JOIN links l ON l.repository_id = r.id AND l.blob_id = b.id
            WHERE r.registry_id = @registry AND r.name = @repository
            """;
        using var rows = session.Prepare(Sql).Set(done.Repository).Set("@digest", done.Digest).Query();
        return rows.Read() ? (rows.Long(0), rows.Long(1), rows.LongOrNull(2) is not null) : null;
    }
}

/// <summary>A manifest's bytes, whose hash was compared, and the store's stamp of them.</summary>
internal readonly record struct ManifestBytes(byte[] Payload, long Stamp);
