using System.Globalization;
using System.Reflection;

namespace Holdfast.Storage.Metadata;

/// <summary>Brings a database to this program's schema: the numbered files of <c>Migrations/</c>, each in a transaction of its own.</summary>
public static class SchemaMigrations
{
    /// <summary>The version this program's schema has.</summary>
    public static int Current => All.Value.Length;

    private static readonly Lazy<string[]> All = new(ReadAll);

    /// <exception cref="SchemaTooNewException">A later program has migrated the database.</exception>
    public static void Run(MetadataSession session, SqlDialect dialect)
    {
        session.Execute("CREATE TABLE IF NOT EXISTS schema_version (version INTEGER NOT NULL PRIMARY KEY)");
        var found = (int)(session.Prepare("SELECT COALESCE(MAX(version), 0) FROM schema_version").QueryLong() ?? 0);
        if (found > Current)
            throw new SchemaTooNewException(found, Current);
        for (var version = found + 1; version <= Current; version++)
            Apply(session, dialect.Translate(All.Value[version - 1]), version);
    }

    private static void Apply(MetadataSession session, string sql, int version)
    {
        session.Execute("BEGIN");
        try
        {
            session.Execute(sql);
            session.Prepare("INSERT INTO schema_version (version) VALUES (@version)").Set("@version", version).Execute();
            session.Execute("COMMIT");
        }
        catch
        {
            session.Execute("ROLLBACK");
            throw;
        }
    }

    private static string[] ReadAll()
    {
        var assembly = Assembly.GetExecutingAssembly();
        var names = assembly.GetManifestResourceNames().Where(name => name.EndsWith(".sql", StringComparison.Ordinal)).Order(StringComparer.Ordinal);
        var migrations = new List<string>();
        foreach (var name in names)
        {
            var number = int.Parse(name.AsSpan(name.IndexOf(".Migrations.", StringComparison.Ordinal) + 12, 4), CultureInfo.InvariantCulture);
            if (number != migrations.Count + 1)
                throw new InvalidOperationException($"the migration {name} is out of order");
            using var reader = new StreamReader(assembly.GetManifestResourceStream(name)!);
            migrations.Add(reader.ReadToEnd());
        }
        return [.. migrations];
    }
}

/// <summary>The database was written by a later version of this program, which alone can read it.</summary>
public sealed class SchemaTooNewException(int found, int known)
    : InvalidOperationException($"the database has schema version {found}, but this program knows only up to {known}: start the newer program that wrote it")
{
}
