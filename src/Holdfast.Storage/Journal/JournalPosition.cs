using System.Security.Cryptography;
using Holdfast.Storage.Metadata;

namespace Holdfast.Storage.Journal;

/// <summary>How far a database has come in which journal; its one row.</summary>
/// <param name="Store">Hex; the journal of the same store has the same.</param>
internal sealed record JournalPosition(string Store, long Sequence)
{
    public static string NewStore() => Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16));

    public static JournalPosition? Find(MetadataSession session)
    {
        using var rows = session.Prepare("SELECT store, sequence FROM journal_position WHERE id = 1").Query();
        return rows.Read() ? new JournalPosition(Convert.ToHexStringLower(rows.Bytes(0)), rows.Long(1)) : null;
    }

    public void Put(MetadataSession session)
    {
        const string Sql = """
            INSERT INTO journal_position (id, store, sequence) VALUES (1, @store, @sequence)
            ON CONFLICT (id) DO UPDATE SET store = excluded.store, sequence = excluded.sequence
            """;
        session.Prepare(Sql).Set("@store", Convert.FromHexString(Store)).Set("@sequence", Sequence).Execute();
    }

    public static void Advance(MetadataSession session, long sequence) =>
        session.Prepare("UPDATE journal_position SET sequence = @sequence WHERE id = 1").Set("@sequence", sequence).Execute();
}
