namespace Holdfast.Storage.Blobs;

/// <summary>How much evidence is kept (P10).</summary>
/// <param name="MaxAge">What is older goes.</param>
/// <param name="MaxBytes">Beyond these, the oldest goes first; the newest stays whatever its size.</param>
public readonly record struct QuarantineBound(TimeSpan MaxAge, long MaxBytes);

/// <param name="Name">The digest, a dot, and when it was taken away (Unix milliseconds).</param>
public readonly record struct QuarantinedFile(string Name, long SizeBytes);
