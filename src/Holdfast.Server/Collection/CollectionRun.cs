namespace Holdfast.Server.Collection;

/// <summary>What one run is asked to do.</summary>
internal sealed record CollectionRun
{
    /// <summary>What is due, at the configured rate.</summary>
    public static readonly CollectionRun Due = new();

    /// <summary>For a full disk: the whole trash, and every review without its grace, as fast as the store can. What is held stays, leases too.</summary>
    public bool Emergency { get; init; }

    /// <summary>Told after every batch.</summary>
    public Func<CollectionFigures, ValueTask> Progress { get; init; } = static _ => default;
}

/// <summary>What a run did so far.</summary>
public sealed record CollectionFigures
{
    public long PurgedTags { get; set; }

    public long PurgedManifests { get; set; }

    public long PurgedLinks { get; set; }

    /// <summary>Looked at, in all queues together.</summary>
    public long Reviews { get; set; }

    public long TrashedManifests { get; set; }

    public long RemovedLinks { get; set; }

    public long RemovedBlobs { get; set; }

    public long FreedBytes { get; set; }

    /// <summary>Blobs whose file could not be removed; the next run tries again.</summary>
    public long Unreadable { get; set; }

    /// <summary>Deletes that the database refused, because something holds what the collection took for unheld.</summary>
    public long Refused { get; set; }

    /// <summary>Things that are no longer as they were.</summary>
    internal long Changes => PurgedTags + PurgedManifests + PurgedLinks + TrashedManifests + RemovedLinks + RemovedBlobs;
}

/// <summary>A run is going on that may not be cut short.</summary>
internal sealed class CollectionBusyException(DateTimeOffset since)
    : InvalidOperationException($"a collection that was asked for at {since:u} is still running; wait for its end, 'holdfast gc status' tells how it stands")
{
}
