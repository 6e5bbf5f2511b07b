namespace Holdfast.Drill;

/// <summary>The drill can't go on; the message says why.</summary>
internal sealed class DrillException(string message) : Exception(message);
