namespace Holdfast.Storage.Metadata;

/// <summary>Tells apart which state of a database its readers see. A number is never used again for another state in one process.</summary>
/// <param name="Number">Odd while a commit is under way, or if the database can't tell.</param>
public readonly record struct CommittedState(long Number)
{
    public static readonly CommittedState Unknown = new(1);

    /// <summary>Nothing is being committed: whoever asks the database now is answered from this state and no other.</summary>
    public bool IsAtRest => (Number & 1) == 0;
}
