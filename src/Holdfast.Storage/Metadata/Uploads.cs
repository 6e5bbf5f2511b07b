using Holdfast.Oci;

namespace Holdfast.Storage.Metadata;

/// <summary>The upload sessions that outlive a restart.</summary>
public static class Uploads
{
    /// <summary>Adds a session; its repository is added if it is new.</summary>
    public static void Add(MetadataSession session, UploadRow upload)
    {
        const string Sql = "INSERT INTO uploads (id, repository_id, algorithm, started_at) VALUES (@id, @repository, @algorithm, @startedAt)";
        var startedAtMs = upload.StartedAt.ToUnixTimeMilliseconds();
        session.Prepare(Sql)
            .Set("@id", Key(upload.Id))
            .Set("@repository", Repositories.Ensure(session, upload.Repository, startedAtMs))
            .Set("@algorithm", (long)upload.Algorithm)
            .Set("@startedAt", startedAtMs)
            .Execute();
    }

    /// <summary>Removes a session; nothing happens if there is none.</summary>
    public static void Remove(MetadataSession session, Guid upload) =>
        session.Prepare("DELETE FROM uploads WHERE id = @id").Set("@id", Key(upload)).Execute();

    public static IReadOnlyList<UploadRow> List(MetadataSession session)
    {
        const string Sql = """
            SELECT u.id, r.registry_id, r.name, u.algorithm, u.started_at FROM uploads u
            JOIN repositories r ON r.id = u.repository_id
            ORDER BY u.started_at
            """;
        var uploads = new List<UploadRow>();
        using var rows = session.Prepare(Sql).Query();
        while (rows.Read())
            uploads.Add(Row(rows));
        return uploads;
    }

    private static byte[] Key(Guid upload) => upload.ToByteArray(bigEndian: true);

    private static UploadRow Row(StatementRows rows) => new(
        new Guid(rows.Bytes(0), bigEndian: true),
        new RepositoryKey((int)rows.Long(1), RepositoryName.Parse(rows.Text(2))),
        (DigestAlgorithm)rows.Long(3),
        DateTimeOffset.FromUnixTimeMilliseconds(rows.Long(4)));
}
