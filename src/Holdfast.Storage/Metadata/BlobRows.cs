using System.Data.Common;
using Holdfast.Oci;

namespace Holdfast.Storage.Metadata;

/// <summary>The blobs that the database knows, linked or not.</summary>
public static class BlobRows
{
    /// <summary>
    /// Adds the blob, or sets its row right: whoever calls this has just hashed and stored the bytes, and holds the digest's lock. A removal that was
    /// cut short is taken back by it.
    /// </summary>
    internal static long Ensure(MetadataSession session, StoredBlob blob, long nowMs)
    {
        const string Sql = """
            INSERT INTO blobs (digest, size, created_at, verified_at, stamp) VALUES (@digest, @size, @now, @now, @stamp)
            ON CONFLICT (digest) DO UPDATE SET size = excluded.size, verified_at = excluded.verified_at, stamp = excluded.stamp, deleting_at = NULL
            RETURNING id
            """;
        return session.Prepare(Sql)
            .Set("@digest", blob.Digest).Set("@size", blob.SizeBytes).Set("@stamp", blob.Stamp).Set("@now", nowMs).QueryLong()!.Value;
    }

    /// <summary>
    /// The same for bytes that nobody has hashed: they are in doubt until somebody has, and are hashed before anything else is. Only for a blob that has no row, or one
    /// that says no more.
    /// </summary>
    internal static long EnsureTrusted(MetadataSession session, StoredBlob blob, long nowMs)
    {
        const string Sql = """
            INSERT INTO blobs (digest, size, created_at, verified_at, stamp) VALUES (@digest, @size, @now, 0, @stamp)
            ON CONFLICT (digest) DO UPDATE SET size = excluded.size, verified_at = 0, stamp = excluded.stamp, deleting_at = NULL
            RETURNING id
            """;
        return session.Prepare(Sql)
            .Set("@digest", blob.Digest).Set("@size", blob.SizeBytes).Set("@stamp", blob.Stamp).Set("@now", nowMs).QueryLong()!.Value;
    }

    /// <summary>
    /// Sets the row of a blob right whose bytes were fetched anew, and ends what was open about it: whoever calls this has just hashed and stored
    /// them, and holds the digest's lock.
    /// </summary>
    /// <returns>Null if there is no row, or the collection is removing it: nobody needs the bytes.</returns>
    public static IReadOnlyList<Incident>? Renew(MetadataSession session, StoredBlob blob, string by, long nowMs)
    {
        const string Sql = """
            UPDATE blobs SET verified_at = @now, stamp = @stamp WHERE digest = @digest AND size = @size AND deleting_at IS NULL
            """;
        var renewed = session.Prepare(Sql)
            .Set("@digest", blob.Digest).Set("@size", blob.SizeBytes).Set("@stamp", blob.Stamp).Set("@now", nowMs).Execute();
        return renewed == 0 ? null : Incidents.HealBytes(session, blob.Digest, by, nowMs);
    }

    /// <summary>Adds a blob that nobody has looked at; what is known of one that is there stays.</summary>
    public static long EnsureUnseen(MetadataSession session, Digest digest, long sizeBytes, long createdMs)
    {
        const string Sql = """
            INSERT INTO blobs (digest, size, created_at) VALUES (@digest, @size, @now)
            ON CONFLICT (digest) DO UPDATE SET deleting_at = NULL
            RETURNING id
            """;
        return session.Prepare(Sql).Set("@digest", digest).Set("@size", sizeBytes).Set("@now", createdMs).QueryLong()!.Value;
    }

    /// <summary>Is there a row of it, or has the collection taken it?</summary>
    public static bool IsKnown(MetadataSession session, Digest digest) => Find(session, digest) is not null;

    /// <summary>
    /// To be called before a change that adds a blob, by a reader. A digest's place in the index is anywhere, and in a large store seldom in memory: readers wait
    /// for the disk together, while the one writer would wait for each alone, and all for it.
    /// </summary>
    internal static void ReadAhead(MetadataSession session, Digest digest) => Find(session, digest);

    /// <summary>As <see cref="ReadAhead"/>, in a session of its own.</summary>
    internal static async ValueTask ReadAheadAsync(MetadataDatabase metadata, Digest digest)
    {
        try
        {
            await metadata.ReadAsync(digest, static (db, digest) => Find(db, digest), CancellationToken.None);
        }
        catch (Exception e) when (e is DbException or IOException)
        {
            // The change itself meets the same, and says so.
        }
    }

    internal static long? Find(MetadataSession session, Digest digest) =>
        session.Prepare("SELECT id FROM blobs WHERE digest = @digest").Set("@digest", digest).QueryLong();

    internal static Digest DigestOf(MetadataSession session, long blobId)
    {
        using var rows = session.Prepare("SELECT digest FROM blobs WHERE id = @blob").Set("@blob", blobId).Query();
        return rows.Read() ? rows.Digest(0) : throw new InvalidOperationException($"no blob has the row {blobId} (invariant)");
    }
}
