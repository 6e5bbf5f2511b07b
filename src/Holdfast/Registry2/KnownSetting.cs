namespace Holdfast.Registry2;

/// <summary>Which of its releases a registry is: registry:2 is 2.8, registry:3 is 3.x. They know different settings, and skip what they don't know.</summary>
internal enum Release
{
    Two,
    Three,
}

/// <summary>What becomes of a setting.</summary>
internal enum Verdict
{
    /// <summary>It stands in the new configuration.</summary>
    Taken,

    /// <summary>What it is for is so here, whatever one writes.</summary>
    NotNeeded,

    /// <summary>It did something there that nothing does here.</summary>
    NotHere,

    /// <summary>That registry doesn't know it and skipped it without a word.</summary>
    Unknown,

    /// <summary>That registry doesn't start with it.</summary>
    Wrong,
}

/// <summary>What that registry's reader takes at a place.</summary>
internal enum Kind
{
    Text,
    Boolean,

    /// <summary>Compared with true where it is used: anything else is no error, and no.</summary>
    LooseBoolean,
    Number,
    Duration,
    Texts,

    /// <summary>A whole that is told as one.</summary>
    Anything,
}

/// <summary>A setting that registry:2 knows.</summary>
/// <param name="Path">Dotted; [] is any place in a list, * any name.</param>
/// <param name="Verdict">Null: the translation tells, as it depends on the value.</param>
/// <param name="Text">Why, in one line.</param>
internal sealed record KnownSetting(string Path, Kind Kind, Verdict? Verdict, string Text)
{
    /// <summary>The one release that knows it; null: both.</summary>
    public Release? OnlyIn { get; init; }

    public KnownSetting In(Release release) => this with { OnlyIn = release };

    public static KnownSetting Taken(string path, Kind kind = Kind.Text) => new(path, kind, null, "");

    public static KnownSetting NotNeeded(string path, Kind kind, string why) => new(path, kind, Registry2.Verdict.NotNeeded, why);

    public static KnownSetting NotHere(string path, Kind kind, string why) => new(path, kind, Registry2.Verdict.NotHere, why);
}
