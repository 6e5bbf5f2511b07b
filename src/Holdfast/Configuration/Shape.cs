namespace Holdfast.Configuration;

/// <summary>What may stand at a place of the configuration.</summary>
internal abstract record Shape;

/// <summary>One value.</summary>
/// <param name="Kind">What it is, as the reference calls it.</param>
/// <param name="Fault">What is wrong with a text, or null.</param>
internal sealed record Value(string Kind, Func<string, string?> Fault) : Shape;

/// <summary>A mapping with known keys.</summary>
internal sealed record Group(params Key[] Keys) : Shape
{
    /// <summary>A word that may stand instead of the mapping.</summary>
    public string? Word { get; init; }

    /// <summary>Its presence means something, so it may not be left empty by accident.</summary>
    public string? IfEmpty { get; init; }
}

/// <summary>A mapping from names that the user chooses.</summary>
internal sealed record Named(Shape Item, Func<string, string?> NameFault) : Shape;

/// <param name="IfEmpty">What to say of an empty list; null if it may be empty.</param>
internal sealed record Items(Shape Item, string? IfEmpty = null) : Shape;

/// <param name="Name">As written in the file.</param>
/// <param name="Help">One sentence for the reference.</param>
/// <param name="Default">As one would write it; null if there is none.</param>
internal sealed record Key(string Name, Shape Shape, string Help, string? Default = null)
{
    /// <summary>What other registries call it; only used to suggest this key.</summary>
    public string[] Foreign { get; init; } = [];
}
