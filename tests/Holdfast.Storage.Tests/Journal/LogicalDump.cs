using System.Globalization;
using Holdfast.Storage.Metadata;

namespace Holdfast.Storage.Tests.Journal;

/// <summary>
/// Every table's rows as text, ids replaced by what they stand for: two databases with the same dump say the same. Left out is what the journal
/// doesn't know: when something was last pulled or hashed, leases and reviews, upload sessions, incidents, checks.
/// </summary>
internal static class LogicalDump
{
    private static readonly Dictionary<string, string> Queries = new(StringComparer.Ordinal)
    {
        ["repository"] = "SELECT g.name, r.name FROM repositories r JOIN registries g ON g.id = r.registry_id",
        ["blob"] = """
            SELECT hex(b.digest), b.size FROM blobs b
            WHERE EXISTS (SELECT 1 FROM links l WHERE l.blob_id = b.id) OR EXISTS (SELECT 1 FROM manifests m WHERE m.blob_id = b.id)
            """,
        ["payload"] = "SELECT hex(b.digest), hex(p.payload) FROM manifest_payloads p JOIN blobs b ON b.id = p.blob_id WHERE EXISTS (SELECT 1 FROM manifests m WHERE m.blob_id = b.id)",
        ["link"] = """
            SELECT r.name, hex(b.digest), l.created_at, l.trashed_at FROM links l
            JOIN repositories r ON r.id = l.repository_id JOIN blobs b ON b.id = l.blob_id
            """,
        ["manifest"] = """
            SELECT r.name, hex(b.digest), m.media_type, m.artifact_type, hex(m.subject), m.annotations, m.created_at, m.pushed_at, m.untagged_at, m.trashed_at
            FROM manifests m JOIN repositories r ON r.id = m.repository_id JOIN blobs b ON b.id = m.blob_id
            """,
        ["blob edge"] = """
            SELECT r.name, hex(o.digest), hex(b.digest), e.kind FROM manifest_blobs e
            JOIN manifests m ON m.id = e.manifest_id JOIN blobs o ON o.id = m.blob_id
            JOIN repositories r ON r.id = m.repository_id JOIN blobs b ON b.id = e.blob_id
            """,
        ["child edge"] = """
            SELECT r.name, hex(o.digest), hex(b.digest) FROM manifest_children e
            JOIN manifests m ON m.id = e.manifest_id JOIN blobs o ON o.id = m.blob_id
            JOIN repositories r ON r.id = m.repository_id
            JOIN manifests c ON c.id = e.child_id JOIN blobs b ON b.id = c.blob_id
            """,
        ["soft edge"] = """
            SELECT r.name, hex(o.digest), hex(e.digest), e.kind FROM soft_edges e
            JOIN manifests m ON m.id = e.manifest_id JOIN blobs o ON o.id = m.blob_id JOIN repositories r ON r.id = m.repository_id
            """,
        ["tag"] = """
            SELECT r.name, t.name, hex(b.digest), t.created_at, t.updated_at, t.pushed_at, t.imported FROM tags t
            JOIN manifests m ON m.id = t.manifest_id JOIN blobs b ON b.id = m.blob_id JOIN repositories r ON r.id = m.repository_id
            """,
        ["trash"] = """
            SELECT t.kind, t.operation, r.name, hex(b.digest), t.tag, t.tag_created_at, t.tag_pushed_at, t.deleted_at, t.cause, t.actor, t.run FROM trash t
            JOIN repositories r ON r.id = t.repository_id LEFT JOIN manifests m ON m.id = t.manifest_id JOIN blobs b ON b.id = COALESCE(m.blob_id, t.blob_id)
            """,
    };

    public static List<string> Read(MetadataSession session)
    {
        var lines = new List<string>();
        foreach (var (name, sql) in Queries)
        {
            using var command = session.Connection.CreateCommand();
            command.CommandText = sql;
            using var rows = command.ExecuteReader();
            while (rows.Read())
            {
                var values = Enumerable.Range(0, rows.FieldCount).Select(i => rows.IsDBNull(i) ? "-" : Convert.ToString(rows.GetValue(i), CultureInfo.InvariantCulture));
                lines.Add($"{name}: {string.Join(' ', values)}");
            }
        }
        lines.Sort(StringComparer.Ordinal);
        return lines;
    }
}
