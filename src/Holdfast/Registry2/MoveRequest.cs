using Holdfast.Configuration;

namespace Holdfast.Registry2;

/// <summary>What is to be moved.</summary>
internal sealed record MoveRequest
{
    /// <summary>The old registries' files.</summary>
    public required IReadOnlyList<OfRegistry<string?>> Sources { get; init; }

    public Release Release { get; init; }

    public IReadOnlyList<OfRegistry<Variable>> Variables { get; init; } = [];

    public IReadOnlyList<OfRegistry<string>> Htpasswd { get; init; } = [];

    public IReadOnlyList<OfRegistry<ListenerAddress>> Listen { get; init; } = [];

    /// <summary>The new data folder.</summary>
    public string Data { get; init; } = "/var/lib/holdfast";

    /// <summary>The new configuration's file; null: standard output, and then no other file is written either.</summary>
    public string? Output { get; init; }
}

/// <summary>Something for one registry, or for all.</summary>
/// <param name="Name">The registry's; null: all, or one whose name is found.</param>
internal sealed record OfRegistry<T>(string? Name, T Value)
{
    public bool IsFor(string name) => Name is null || Name == name;
}

/// <summary>Takes NAME=VALUE apart.</summary>
internal static class OfRegistry
{
    public static OfRegistry<string> Parse(string text)
    {
        var equals = text.IndexOf('=', StringComparison.Ordinal);
        return equals > 0 && ValueFaults.RegistryName(text[..equals]) is null ? new OfRegistry<string>(text[..equals], text[(equals + 1)..]) : new OfRegistry<string>(null, text);
    }

    public static OfRegistry<TTo> To<TFrom, TTo>(this OfRegistry<TFrom> named, TTo value) => new(named.Name, value);
}
