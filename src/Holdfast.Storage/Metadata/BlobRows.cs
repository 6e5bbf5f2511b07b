using Holdfast.Oci;

namespace Holdfast.Storage.Metadata;

/// <summary>The blobs that the database knows, linked or not.</summary>
internal static class BlobRows
{
    /// <summary>Adds the blob; a row with another size is set right, since whoever calls this has just hashed the bytes.</summary>
    public static long Ensure(MetadataSession session, Digest digest, long sizeBytes, long nowMs)
    {
        const string Find = "SELECT id, size FROM blobs WHERE digest = @digest";
        using (var rows = session.Prepare(Find).Set("@digest", digest).Query())
        {
            if (rows.Read() && rows.Long(1) == sizeBytes)
                return rows.Long(0);
        }
        const string Add = """
            INSERT INTO blobs (digest, size, created_at) VALUES (@digest, @size, @now)
            ON CONFLICT (digest) DO UPDATE SET size = excluded.size
            RETURNING id
            """;
        return session.Prepare(Add).Set("@digest", digest).Set("@size", sizeBytes).Set("@now", nowMs).QueryLong()!.Value;
    }
}
