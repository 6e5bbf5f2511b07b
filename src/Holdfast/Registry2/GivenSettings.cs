using System.Globalization;
using Holdfast.Configuration;

namespace Holdfast.Registry2;

/// <summary>One setting that was given, and that the translation has to tell about.</summary>
internal sealed record GivenSetting(string Key, Origin Origin, Setting Value)
{
    public string Text => ((ScalarSetting)Value).Text;
}

/// <summary>Compares what was given with what that registry knows; every setting gets a remark, here or from the translation.</summary>
internal sealed class GivenSettings
{
    private readonly Release _release;
    private readonly Dictionary<string, GivenSetting> _open = new(StringComparer.Ordinal);
    private readonly List<Remark> _remarks = [];

    private GivenSettings(Release release) => _release = release;

    public IReadOnlyList<Remark> Remarks => _remarks;

    /// <summary>Settings that nobody has told about: a fault of this program.</summary>
    public IEnumerable<string> Untold => _open.Values.Select(given => given.Key).Except(_remarks.Select(remark => remark.Key), StringComparer.Ordinal);

    public static GivenSettings Compare(MapSetting root, Release release)
    {
        var given = new GivenSettings(release);
        given.Walk(root, SettingTree.Root, "");
        return given;
    }

    public GivenSetting? Find(string key) => _open.GetValueOrDefault(key);

    public string? Text(string key) => Find(key) is { Value: ScalarSetting { Text: { Length: > 0 } text } } ? text : null;

    /// <summary>YAML's true, not the text "true".</summary>
    public bool Flag(string key) => Find(key)?.Value is ScalarSetting { IsQuoted: false } scalar && GoValue.Boolean(scalar.Text) == true;

    public TimeSpan? Duration(string key) => Text(key) is { } text && GoValue.TryDuration(text, out var duration) ? duration : null;

    public bool Has(string prefix) => _open.Keys.Any(key => key.StartsWith(prefix, StringComparison.Ordinal));

    public IEnumerable<GivenSetting> Below(string prefix) => _open.Values.Where(given => given.Key.StartsWith(prefix, StringComparison.Ordinal));

    /// <summary>Tells what became of a setting, if it was given.</summary>
    public void Tell(string key, Verdict verdict, string text)
    {
        if (Find(key) is { } given)
            Tell(key, given.Origin, verdict, text);
    }

    public void Tell(string key, Origin origin, Verdict verdict, string text) => _remarks.Add(new Remark(key, origin, verdict, text));

    private void Walk(MapSetting map, SettingTree tree, string path)
    {
        foreach (var entry in map.Entries)
        {
            var key = SettingTree.Join(path, entry.Name);
            if (tree.Child(entry.Name) is not { } child)
                Unknown(key, entry, tree);
            else if (child.Leaf is { } known)
                Take(known, key, entry);
            else if (entry.Value is MapSetting inner)
                Walk(inner, child, key);
            else if (entry.Value is not ScalarSetting { IsEmpty: true })
                Tell(key, entry.Origin, Verdict.Wrong, "wants a mapping");
        }
    }

    private void Take(KnownSetting known, string key, MapSetting.Entry entry)
    {
        // Nothing was written: the default holds.
        if (entry.Value is ScalarSetting { IsEmpty: true })
            return;
        if (known.OnlyIn is { } only && only != _release)
            Tell(key, entry.Origin, Verdict.Unknown, OtherRelease(key, only));
        else if (Fault(entry.Value, known.Kind) is { } fault)
            Tell(key, entry.Origin, Verdict.Wrong, fault);
        else if (known.Verdict is { } verdict)
            Tell(key, entry.Origin, verdict, known.Text);
        else
            _open[key] = new GivenSetting(key, entry.Origin, entry.Value);
    }

    private void Unknown(string key, MapSetting.Entry entry, SettingTree tree)
    {
        // Drivers and ways to log in, with or without parameters: the translation tells about those.
        if (key.Split('.') is ["storage" or "auth", _])
            return;
        var near = NearestName.Find(entry.Name, tree.Names) ?? Hints.SettingFor(entry.Name, tree);
        var meant = near is null ? "" : $"; the nearest it knows is {SettingTree.Join(key[..^entry.Name.Length].TrimEnd('.'), near)}";
        Tell(key, entry.Origin, Verdict.Unknown, $"registry:2 knows no such setting and skipped it{meant}{Hints.HereFor(key)}");
    }

    private static string OtherRelease(string key, Release only) =>
        (only == Release.Three
            ? "2.8 doesn't know it and skipped it; 3.x does (--release 3 if that is what runs)"
            : "3.x doesn't know it and skips it; 2.8 did")
        + Hints.HereFor(key);

    private static string? Fault(Setting value, Kind kind) => (kind, value) switch
    {
        (Kind.Anything, _) => null,
        (Kind.Texts, ListSetting list) => list.Items.All(item => item is ScalarSetting) ? null : "wants a list of texts",
        (Kind.Texts, _) => "wants a list",
        (_, not ScalarSetting) => "wants one value",
        (Kind.Boolean, ScalarSetting scalar) => !scalar.IsQuoted && GoValue.Boolean(scalar.Text) is not null ? null : "is not true or false",
        (Kind.Number, ScalarSetting scalar) => long.TryParse(scalar.Text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out _) ? null : "is not a whole number",
        (Kind.Duration, ScalarSetting scalar) => GoValue.TryDuration(scalar.Text, out _) ? null : "is not a duration such as 168h or 1h30m",
        (_, ScalarSetting scalar) => scalar.Text.Any(char.IsControl) ? "has a control character in it" : null,
    };
}
