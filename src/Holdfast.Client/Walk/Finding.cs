using Holdfast.Oci;

namespace Holdfast.Client.Walk;

/// <summary>What is wrong with an object.</summary>
public enum FindingKind
{
    /// <summary>The registry says that it isn't there.</summary>
    Missing,

    /// <summary>As many bytes as there should be, and others.</summary>
    WrongBytes,

    /// <summary>More bytes or fewer than the descriptor says.</summary>
    WrongSize,

    /// <summary>The registry says that it is there and does not give it: it ends early, or answers with something else.</summary>
    Unreadable,

    /// <summary>The bytes are right, and no client can make use of them: no manifest, or one that can't be read.</summary>
    Unusable,

    /// <summary>Nobody knows (P6): no answer, refused, a fault of the registry's, told to wait for too long.</summary>
    Unchecked,
}

/// <summary>What a registry answered when asked for one object, if that was not the object.</summary>
/// <param name="Answer">A sentence for people.</param>
/// <param name="Status">The status of the answer; null if there was none.</param>
/// <param name="Code">The registry's own code; empty if it gave none.</param>
/// <param name="ReceivedBytes">Bytes that came; null if none were waited for.</param>
/// <param name="Found">What the bytes that came hash to, if they are others.</param>
public sealed record Problem(FindingKind Kind, string Answer, int? Status = null, string Code = "", long? ReceivedBytes = null, Digest Found = default)
{
    internal static Problem Of(RegistryFailure failure) =>
        new(KindOf(failure), failure.Detail, failure.Status, failure.Code, failure.ReceivedBytes, failure.Found);

    private static FindingKind KindOf(RegistryFailure failure) => failure.Outcome switch
    {
        RegistryOutcome.Unknown => FindingKind.Missing,
        RegistryOutcome.Mismatch => failure.Found.IsNone ? FindingKind.WrongSize : FindingKind.WrongBytes,
        RegistryOutcome.Unusable => FindingKind.Unreadable,
        RegistryOutcome.Unavailable => failure.EndedEarly ? FindingKind.Unreadable : FindingKind.Unchecked,
        RegistryOutcome.Denied or RegistryOutcome.SlowDown => FindingKind.Unchecked,
        _ => throw new InvalidOperationException($"{failure.Outcome} is no failure"),
    };
}

/// <summary>What an object is to the one before it on the way from the root.</summary>
public enum StepRole
{
    Root,
    Child,
    Config,
    Layer,
    Subject,
    Referrer,
}

/// <summary>One object on the way from a root to what is wrong.</summary>
/// <param name="Name">A tag or digest of the root, a child's platform, a layer's place ("3 of 5"), a referrer's type; may be empty.</param>
/// <param name="Digest">None for a tag that could not be resolved.</param>
/// <param name="MediaType">As the descriptor or, of a root, the registry has it; empty if nobody says.</param>
/// <param name="SizeBytes">As the descriptor has it; null for a root.</param>
public sealed record WalkStep(StepRole Role, string Name, Digest Digest, string MediaType, long? SizeBytes);

/// <summary>One object of one root that is wrong.</summary>
/// <param name="Path">From the root to the object, both included.</param>
public sealed record Finding(IReadOnlyList<WalkStep> Path, Problem Problem)
{
    /// <summary>The object.</summary>
    public WalkStep Object => Path[^1];

    /// <summary>The platform of the image that it belongs to; null outside of indexes.</summary>
    public string? Platform => Path.LastOrDefault(static step => step is { Role: StepRole.Child, Name.Length: > 0 })?.Name;
}
