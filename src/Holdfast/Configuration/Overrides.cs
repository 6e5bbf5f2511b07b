using System.Globalization;

namespace Holdfast.Configuration;

/// <summary>Puts what the environment and the arguments say over what the file says.</summary>
internal sealed class Overrides(MapSetting root, string workingFolder, Problems problems)
{
    /// <summary>The variable that names the file; every other one that begins so names a key.</summary>
    public const string FileVariable = "HOLDFAST_CONFIG";

    private const string Prefix = "HOLDFAST_";

    /// <summary>uploads.maxAge is HOLDFAST_UPLOADS_MAXAGE; items of lists are numbered from 0.</summary>
    public static string Variable(string path) =>
        Prefix + string.Join('_', path.Replace("[]", ".<n>", StringComparison.Ordinal).Split('.')
            .Select(part => part.StartsWith('<') ? part.ToUpperInvariant() : NearestName.Fold(part).ToUpperInvariant()));

    public void ApplyEnvironment(IEnumerable<KeyValuePair<string, string>> environment)
    {
        // In natural order, so that item 10 of a list comes after item 2.
        foreach (var (name, value) in environment.OrderBy(v => v.Key.Length).ThenBy(v => v.Key, StringComparer.Ordinal))
        {
            if (!name.StartsWith(Prefix, StringComparison.Ordinal) || name == FileVariable || IsKubernetes(name, value))
                continue;
            var origin = new Origin($"environment {name}", workingFolder);
            var parts = name[Prefix.Length..].Split('_');
            Apply(parts, value, origin, static (known, given) => NearestName.Fold(known).Equals(NearestName.Fold(given), StringComparison.Ordinal), fromEnvironment: true);
        }
    }

    /// <param name="assignment">key.path=value</param>
    public void ApplySet(string assignment)
    {
        var origin = new Origin($"--set {assignment.Split('=')[0]}", workingFolder);
        var equals = assignment.IndexOf('=', StringComparison.Ordinal);
        if (equals <= 0)
            problems.Add(new Origin("--set", workingFolder), "", $"{Problems.Quote(assignment)} is not key=value; write for example disk.reserve=5GiB");
        else
            Apply(assignment[..equals].Split('.'), assignment[(equals + 1)..], origin, static (known, given) => known == given, fromEnvironment: false);
    }

    public void ApplyData(string folder) =>
        root.Set("data", new Origin("--data", workingFolder), new ScalarSetting(new Origin("--data", workingFolder), folder, quoted: true));

    /// <summary>Replaces all listeners.</summary>
    /// <param name="listeners">URL, or registry=URL.</param>
    public void ApplyListeners(IReadOnlyList<string> listeners)
    {
        var origin = new Origin("--listen", workingFolder);
        var list = new ListSetting(origin);
        foreach (var listener in listeners)
        {
            var equals = listener.IndexOf('=', StringComparison.Ordinal);
            var map = new MapSetting(origin);
            if (equals > 0 && !listener[..equals].Contains(':', StringComparison.Ordinal))
                map.Set("registry", origin, new ScalarSetting(origin, listener[..equals], quoted: true));
            map.Set("url", origin, new ScalarSetting(origin, map.Entries.Count > 0 ? listener[(equals + 1)..] : listener, quoted: true));
            list.Items.Add(map);
        }

        root.Set("listeners", origin, list);
    }

    // A Kubernetes service named holdfast puts HOLDFAST_SERVICE_HOST, HOLDFAST_PORT_5000_TCP and their like into every container beside it.
    private static bool IsKubernetes(string name, string value)
    {
        var parts = name.Split('_');
        var port = Array.LastIndexOf(parts, "PORT");
        return name.EndsWith("_SERVICE_HOST", StringComparison.Ordinal)
            || name.Contains("_SERVICE_PORT", StringComparison.Ordinal)
            || (port > 0 && port == parts.Length - 1 && value.Contains("://", StringComparison.Ordinal))
            || (port > 0 && port < parts.Length - 2 && parts[port + 1].All(char.IsAsciiDigit) && parts[port + 2] is "TCP" or "UDP" or "SCTP");
    }

    private void Apply(string[] parts, string value, Origin origin, Func<string, string, bool> same, bool fromEnvironment)
    {
        Setting at = root;
        Shape shape = Schema.Root;
        Action<Setting> replace = _ => { };
        for (var i = 0; i < parts.Length; i++)
        {
            if (Step(ref at, ref shape, ref replace, parts, i, origin, same, fromEnvironment) is { } fault)
            {
                Abandon(at, origin, fault);
                return;
            }
        }

        if (Final(shape, value, origin) is { } setting)
            replace(setting);
        else if (shape is Group group)
            Abandon(at, origin, $"names a group of keys; add one of {string.Join(", ", group.Keys.Select(k => k.Name))}");
        else
            Abandon(at, origin, "names a group of keys; add the name of one");
    }

    // What was made on the way stays empty; that is not one more problem.
    private void Abandon(Setting at, Origin origin, string fault)
    {
        at.Bad |= at.Origin == origin;
        if (fault.Length > 0)
            problems.Add(origin, "", fault);
    }

    // Goes one part deeper, making what isn't there yet. Returns null, or what is wrong (empty: already reported for the file).
    private static string? Step(
        ref Setting at, ref Shape shape, ref Action<Setting> replace, string[] parts, int index, Origin origin, Func<string, string, bool> same, bool fromEnvironment)
    {
        var part = parts[index];
        if (shape is Items items)
        {
            var list = Enter(ref at, replace, () => new ListSetting(origin));
            if (list is null)
                return "";
            if (!int.TryParse(part, NumberStyles.None, CultureInfo.InvariantCulture, out var number))
                return $"{Problems.Quote(part)} is not the number of an item; the first is 0";
            if (number > list.Items.Count)
                return $"item {number} of a list that has {list.Items.Count}; the next is {list.Items.Count}";
            if (number == list.Items.Count)
                list.Items.Add(new ScalarSetting(origin, "", quoted: false));
            at = list.Items[number];
            shape = items.Item;
            replace = s => list.Items[number] = s;
            return null;
        }

        if (shape is not (Group or Named))
            return $"unknown key; nothing lies below {string.Join(fromEnvironment ? '_' : '.', parts[..index])}";
        if (Name(at, shape, part, same, fromEnvironment) is not { } name)
            return Unknown((Group)shape, parts, index, fromEnvironment);
        var map = Enter(ref at, replace, () => new MapSetting(origin));
        if (map is null)
            return "";
        shape = shape is Named named ? named.Item : Array.Find(((Group)shape).Keys, k => k.Name == name)!.Shape;
        if (map.Find(name) is not { } next)
            map.Set(name, origin, next = new ScalarSetting(origin, "", quoted: false));
        at = next;
        replace = s => map.Set(name, origin, s);
        return null;
    }

    private static string? Name(Setting at, Shape shape, string part, Func<string, string, bool> same, bool fromEnvironment)
    {
        if (shape is Group group)
            return Array.Find(group.Keys, k => same(k.Name, part))?.Name;
        var known = (at as MapSetting)?.Entries.Select(e => e.Name).FirstOrDefault(n => same(n, part));
        return known ?? (fromEnvironment ? part.ToLowerInvariant() : part);
    }

    private static string Unknown(Group group, string[] parts, int index, bool fromEnvironment)
    {
        var separator = fromEnvironment ? '_' : '.';
        var before = string.Concat(parts[..index].Select(p => p + separator));
        var rest = string.Concat(parts[index..]);
        var names = group.Keys.Select(k => k.Name).ToList();
        var near = NearestName.Find(rest, names) ?? NearestName.Find(parts[index], names);
        var after = near is not null && NearestName.Find(rest, [near]) is null ? string.Concat(parts[(index + 1)..].Select(p => separator + p)) : "";
        if (near is not null)
            return $"unknown key; did you mean {(fromEnvironment ? Prefix + before + near.ToUpperInvariant() : before + near)}{after}?";
        return $"unknown key; known here: {string.Join(", ", names.Select(n => fromEnvironment ? Prefix + before + n.ToUpperInvariant() : before + n))}";
    }

    // What is empty or a word (auth: none) gives way; what has the wrong form is reported where it was written.
    private static T? Enter<T>(ref Setting at, Action<Setting> replace, Func<T> make)
        where T : Setting
    {
        if (at is ScalarSetting)
        {
            var made = make();
            replace(made);
            at = made;
        }

        return at as T;
    }

    private static Setting? Final(Shape shape, string value, Origin origin)
    {
        if (shape is Items)
        {
            var list = new ListSetting(origin);
            foreach (var item in value.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
                list.Items.Add(new ScalarSetting(origin, item, quoted: true));
            return list;
        }

        return shape is Named || (shape is Group group && value != group.Word) ? null : new ScalarSetting(origin, value, quoted: true);
    }
}
