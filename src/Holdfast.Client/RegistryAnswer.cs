using System.Diagnostics.CodeAnalysis;

namespace Holdfast.Client;

/// <summary>What was asked for, or why it could not be had.</summary>
public sealed class RegistryAnswer<T>
{
    private readonly T? _value;

    internal RegistryAnswer(T value) => _value = value;

    internal RegistryAnswer(RegistryFailure failure) => Failure = failure;

    public RegistryOutcome Outcome => Failure?.Outcome ?? RegistryOutcome.Found;

    /// <summary>Null if it was found.</summary>
    public RegistryFailure? Failure { get; }

    /// <exception cref="InvalidOperationException">It was not found.</exception>
    public T Value => Failure is null ? _value! : throw new InvalidOperationException(Failure.Detail);

    public bool TryGet([MaybeNullWhen(false)] out T value, [NotNullWhen(false)] out RegistryFailure? failure)
    {
        (value, failure) = (_value, Failure);
        return failure is null;
    }
}
