namespace Holdfast.Registry2;

/// <summary>The settings that registry:2 knows, as the tree that its file is.</summary>
internal sealed class SettingTree
{
    private const string AnyName = "*";

    // The reader of variables goes by the names of the fields in the program, which a few times are not those of the file.
    private static readonly Dictionary<string, string> VariableNames = new(StringComparer.Ordinal)
    {
        ["health.file"] = "FILECHECKERS",
        ["health.http"] = "HTTPCHECKERS",
        ["health.tcp"] = "TCPCHECKERS",
        ["notifications.events"] = "EVENTCONFIG",
        ["compatibility.schema1.signingkeyfile"] = "TRUSTKEY",
    };

    private readonly Dictionary<string, SettingTree> _children = new(StringComparer.Ordinal);

    public static SettingTree Root { get; } = Build();

    /// <summary>The setting that ends here; null for a mapping of settings.</summary>
    public KnownSetting? Leaf { get; private set; }

    /// <summary>The names that are known below.</summary>
    public IEnumerable<string> Names => _children.Keys.Where(name => name != AnyName);

    /// <summary>Is it a mapping whose names that program doesn't fix? There a variable's part becomes a name as it is, in small letters.</summary>
    public static bool IsOpen(string path) => path is "storage" or "auth" or "middleware" || path.StartsWith("storage.", StringComparison.Ordinal) || path.StartsWith("auth.", StringComparison.Ordinal);

    public SettingTree? Child(string name) => _children.GetValueOrDefault(name) ?? _children.GetValueOrDefault(AnyName);

    /// <param name="path">Of this mapping.</param>
    /// <param name="part">A part of a variable's name.</param>
    /// <returns>The name in the file that a part of a variable's name stands for; null if none.</returns>
    public string? NameOf(string path, string part) =>
        _children.Keys.FirstOrDefault(name => string.Equals(VariableNames.GetValueOrDefault(Join(path, name)) ?? name.ToUpperInvariant(), part, StringComparison.Ordinal));

    public static string Join(string path, string name) => path.Length == 0 ? name : $"{path}.{name}";

    private static SettingTree Build()
    {
        var root = new SettingTree();
        foreach (var known in KnownSettings.All)
        {
            var at = root;
            foreach (var name in known.Path.Split('.'))
            {
                if (!at._children.TryGetValue(name, out var child))
                    at._children.Add(name, child = new SettingTree());
                at = child;
            }

            if (at.Leaf is not null)
                throw new InvalidOperationException($"{known.Path} is known twice");
            at.Leaf = known;
        }

        return root;
    }
}
