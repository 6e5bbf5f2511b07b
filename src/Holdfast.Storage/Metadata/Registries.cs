namespace Holdfast.Storage.Metadata;

/// <summary>The registries of this server, by name.</summary>
public static class Registries
{
    /// <returns>The registry's id; it is added if it is new.</returns>
    public static int Ensure(MetadataSession session, string name) => (int)(Find(session, name) ?? Add(session, name) ?? Find(session, name)!.Value);

    /// <returns>The registry's id; it is added if it is new. One that holds nothing becomes of this kind; null if it holds something of the other.</returns>
    public static int? Ensure(MetadataSession session, string name, RegistryKind kind)
    {
        const string Kind = "SELECT kind FROM registries WHERE id = @id";
        const string Used = "SELECT 1 FROM repositories r WHERE r.registry_id = @id AND (EXISTS (SELECT 1 FROM manifests m WHERE m.repository_id = r.id) OR EXISTS (SELECT 1 FROM links l WHERE l.repository_id = r.id)) LIMIT 1";
        var id = Ensure(session, name);
        if (session.Prepare(Kind).Set("@id", id).QueryLong() == (long)kind)
            return id;
        if (session.Prepare(Used).Set("@id", id).QueryLong() is not null)
            return null;
        session.Prepare("UPDATE registries SET kind = @kind WHERE id = @id").Set("@kind", (long)kind).Set("@id", id).Execute();
        return id;
    }

    /// <summary>
    /// A cache of an upstream. What was fetched from another one under this name is not this one's: neither its tags nor what only that one may show. It is put aside, to be evicted by
    /// and by, or taken up again when the name goes back to that upstream.
    /// </summary>
    /// <param name="upstream">The name that clients know it by.</param>
    /// <returns>The registry's id; null if it holds something of a hosted one.</returns>
    public static int? EnsureCache(MetadataSession session, string name, string upstream)
    {
        const string Set = "UPDATE registries SET upstream = @upstream WHERE id = @id";
        if (FindUpstream(session, name) is { } before && before != upstream)
        {
            Rename(session, name, Aside(name, before));
            Rename(session, Aside(name, upstream), name);
        }
        var id = Ensure(session, name, RegistryKind.Cache);
        if (id is not null)
            session.Prepare(Set).Set("@upstream", upstream).Set("@id", id.Value).Execute();
        return id;
    }

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

    // No registry that is configured can have a name with a space.
    private static string Aside(string name, string upstream) => $"{name} of {upstream}";

    private static void Rename(MetadataSession session, string from, string to) =>
        session.Prepare("UPDATE registries SET name = @to WHERE name = @from").Set("@from", from).Set("@to", to).Execute();

    private static string? FindUpstream(MetadataSession session, string name)
    {
        const string Sql = "SELECT upstream FROM registries WHERE name = @name AND kind = 2 AND upstream IS NOT NULL";
        using var rows = session.Prepare(Sql).Set("@name", name).Query();
        return rows.Read() ? rows.Text(0) : null;
    }

    private static long? Add(MetadataSession session, string name) =>
        session.Prepare("INSERT INTO registries (name) VALUES (@name) ON CONFLICT (name) DO NOTHING RETURNING id").Set("@name", name).QueryLong();
}

/// <summary>The stored values of <c>registries.kind</c>.</summary>
public enum RegistryKind
{
    /// <summary>Clients push to it; its edges are hard.</summary>
    Hosted = 1,

    /// <summary>Filled from an upstream; its edges are soft.</summary>
    Cache = 2,
}
