using Holdfast.Oci;
using Holdfast.Storage.Metadata;

namespace Simulation;

/// <summary>What must be true at every moment, looked at from beside the process: rows as committed, files as they are.</summary>
internal static class Checks
{
    private const string DanglingChild = """
        SELECT COUNT(*) FROM manifest_children c
        JOIN manifests p ON p.id = c.manifest_id AND p.trashed_at IS NULL
        JOIN manifests m ON m.id = c.child_id AND m.trashed_at IS NOT NULL
        """;
    private const string DanglingBlob = """
        SELECT COUNT(*) FROM manifest_blobs e
        JOIN manifests p ON p.id = e.manifest_id AND p.trashed_at IS NULL
        JOIN links l ON l.repository_id = e.repository_id AND l.blob_id = e.blob_id AND l.trashed_at IS NOT NULL
        """;
    private const string DanglingTag = "SELECT COUNT(*) FROM tags t JOIN manifests m ON m.id = t.manifest_id AND m.trashed_at IS NOT NULL";
    private const string ForgottenTrash = """
        SELECT (SELECT COUNT(*) FROM manifests m WHERE m.trashed_at IS NOT NULL AND NOT EXISTS (SELECT 1 FROM trash t WHERE t.kind = 2 AND t.manifest_id = m.id))
             + (SELECT COUNT(*) FROM links l WHERE l.trashed_at IS NOT NULL
                AND NOT EXISTS (SELECT 1 FROM trash t WHERE t.kind = 3 AND t.repository_id = l.repository_id AND t.blob_id = l.blob_id)
                AND NOT EXISTS (SELECT 1 FROM link_reviews v WHERE v.repository_id = l.repository_id AND v.blob_id = l.blob_id)
                AND NOT EXISTS (SELECT 1 FROM manifest_blobs e WHERE e.repository_id = l.repository_id AND e.blob_id = l.blob_id))
             + (SELECT COUNT(*) FROM trash t JOIN manifests m ON m.id = t.manifest_id WHERE t.kind = 2 AND m.trashed_at IS NULL)
        """;
    private const string LiveBlobs = """
        SELECT b.digest, b.size,
          EXISTS (SELECT 1 FROM links l WHERE l.blob_id = b.id) OR EXISTS (SELECT 1 FROM manifests m WHERE m.blob_id = b.id),
          EXISTS (SELECT 1 FROM links l JOIN repositories r ON r.id = l.repository_id JOIN registries g ON g.id = r.registry_id WHERE l.blob_id = b.id AND g.kind = 1)
            OR EXISTS (SELECT 1 FROM manifests m JOIN repositories r ON r.id = m.repository_id JOIN registries g ON g.id = r.registry_id WHERE m.blob_id = b.id AND g.kind = 1)
        FROM blobs b
        WHERE b.deleting_at IS NULL
        """;
    private const string Going = """
        SELECT COUNT(*) FROM blobs b WHERE b.deleting_at IS NOT NULL
          AND (EXISTS (SELECT 1 FROM links l WHERE l.blob_id = b.id) OR EXISTS (SELECT 1 FROM manifests m WHERE m.blob_id = b.id))
        """;

    /// <summary>Cheap enough for every step.</summary>
    public static void Edges(World world)
    {
        ShouldBeNone(world, DanglingChild, "live manifests have children in the trash");
        ShouldBeNone(world, DanglingBlob, "live manifests have configs or layers in the trash");
        ShouldBeNone(world, DanglingTag, "tags point at manifests in the trash");
    }

    /// <summary>Everything that was acknowledged can be pulled, and every row has its bytes.</summary>
    public static void Everything(World world)
    {
        Edges(world);
        ShouldBeNone(world, ForgottenTrash, "trashed rows and the trash's rows don't fit");
        ShouldBeNone(world, Going, "blobs are being removed that something refers to");
        Bytes(world);
        var pulled = new HashSet<(int, Digest)>();
        foreach (var (repository, tag) in world.Model.Tags.ToList())
        {
            if (world.Model.Observe(repository, tag) is { } digest)
                Pull(world, repository, Content.FindNode(digest)!, pulled, $"r{repository}:t{tag}");
        }
        foreach (var (repository, node) in world.Model.Required.ToList())
            Pull(world, repository, node, pulled, $"r{repository}@{node.Name}");
    }

    private static void Bytes(World world)
    {
        using var rows = world.Session.Prepare(LiveBlobs).Query();
        while (rows.Read())
        {
            var digest = rows.Digest(0);
            if (world.IsDurable(digest))
                world.Damaged.Remove(digest);
            else if (!world.IsRight(digest) && rows.Long(3) == 0 && world.HadOlderRows)
                world.NoteLost(digest); // The journal doesn't tell what caches have let go of since.
            else if (!world.IsRight(digest) && !world.Damaged.Contains(digest) && (rows.Long(2) == 1 || !world.HadOlderRows))
                throw new BrokenPromiseException($"{Content.NameOf(digest)} has a row and no right bytes");
            if (rows.Long(1) != Content.BytesOf(digest).Length)
                throw new BrokenPromiseException($"the row of {Content.NameOf(digest)} states another size");
        }
    }

    // The way of the endpoints: visible in the repository, and the bytes that are stored.
    private static void Pull(World world, int repository, Node node, HashSet<(int, Digest)> pulled, string from)
    {
        if (!pulled.Add((repository, node.Digest)))
            return;
        var key = world.KeyOf(repository);
        if (Manifests.Find(world.Session, key, World.ReferenceTo(node.Digest)) is not { } stored)
            throw new BrokenPromiseException($"{from}: the manifest {node.Name} is not there");
        if (stored.MediaType != node.Manifest.MediaType)
            throw new BrokenPromiseException($"{from}: {node.Name} has the type {stored.MediaType}");
        if (Manifests.ReadPayload(world.Session, node.Digest) is not { } payload || !payload.AsSpan().SequenceEqual(node.Payload))
            throw new BrokenPromiseException($"{from}: the database's copy of {node.Name} is not right");
        foreach (var blob in node.Blobs)
        {
            if (BlobLinks.Find(world.Session, key, blob) is null)
                throw new BrokenPromiseException($"{from}: {node.Name} refers to {Content.NameOf(blob)}, which the repository does not have");
            if (!world.IsRight(blob) && !world.Damaged.Contains(blob))
                throw new BrokenPromiseException($"{from}: the bytes of {Content.NameOf(blob)} are not right");
        }
        foreach (var child in node.Children)
            Pull(world, repository, child, pulled, from);
    }

    private static void ShouldBeNone(World world, string sql, string sentence)
    {
        if (world.Session.Prepare(sql).QueryLong() is { } count and > 0)
            throw new BrokenPromiseException($"{sentence} ({count})");
    }
}
