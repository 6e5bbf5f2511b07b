namespace Holdfast.Bench;

/// <summary>A measurement could not be made; the message says why and what to do next.</summary>
internal sealed class BenchFault(string message, Exception? cause = null) : Exception(message, cause);
