namespace Holdfast.Storage.Metadata;

/// <summary>The registries of this server, by name.</summary>
public static class Registries
{
    /// <returns>The registry's id; it is added if it is new.</returns>
    public static int Ensure(MetadataSession session, string name) => (int)(Find(session, name) ?? Add(session, name) ?? Find(session, name)!.Value);

    internal static string? FindName(MetadataSession session, int registry)
    {
        using var rows = session.Prepare("SELECT name FROM registries WHERE id = @registry").Set("@registry", registry).Query();
        return rows.Read() ? rows.Text(0) : null;
    }

    /// <summary>All that there ever were, by id.</summary>
    public static IReadOnlyDictionary<int, string> List(MetadataSession session)
    {
        var names = new Dictionary<int, string>();
        using var rows = session.Prepare("SELECT id, name FROM registries").Query();
        while (rows.Read())
            names.Add((int)rows.Long(0), rows.Text(1));
        return names;
    }

    /// <returns>The registry's id, or null if none of that name was ever configured.</returns>
    public static long? Find(MetadataSession session, string name) =>
        session.Prepare("SELECT id FROM registries WHERE name = @name").Set("@name", name).QueryLong();

    private static long? Add(MetadataSession session, string name) =>
        session.Prepare("INSERT INTO registries (name) VALUES (@name) ON CONFLICT (name) DO NOTHING RETURNING id").Set("@name", name).QueryLong();
}
