namespace Holdfast.Storage.Metadata;

/// <summary>What differs between the databases. Queries use none of it; migrations write it in braces.</summary>
public sealed record SqlDialect
{
    public static readonly SqlDialect Sqlite = new()
    {
        Identity = "INTEGER PRIMARY KEY",
        Long = "INTEGER",
        Bytes = "BLOB",
        Name = "TEXT",
        Rows = " STRICT",
        RowsByKey = " STRICT, WITHOUT ROWID",
    };

    public static readonly SqlDialect Postgres = new()
    {
        Identity = "BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY",
        Long = "BIGINT",
        Bytes = "BYTEA",
        Name = "TEXT COLLATE \"C\"",
        Rows = "",
        RowsByKey = "",
    };

    /// <summary>A primary key that the database counts up.</summary>
    public required string Identity { get; init; }

    /// <summary>64-bit integers.</summary>
    public required string Long { get; init; }

    public required string Bytes { get; init; }

    /// <summary>Text that compares bytewise, so that pages come in ASCII order from both.</summary>
    public required string Name { get; init; }

    /// <summary>Options of a table.</summary>
    public required string Rows { get; init; }

    /// <summary>Options of a table that is stored in its primary key's order.</summary>
    public required string RowsByKey { get; init; }

    public string Translate(string sql) => sql
        .Replace("{identity}", Identity, StringComparison.Ordinal)
        .Replace("{long}", Long, StringComparison.Ordinal)
        .Replace("{bytes}", Bytes, StringComparison.Ordinal)
        .Replace("{name}", Name, StringComparison.Ordinal)
        .Replace("{rows}", Rows, StringComparison.Ordinal)
        .Replace("{rows-by-key}", RowsByKey, StringComparison.Ordinal);
}
