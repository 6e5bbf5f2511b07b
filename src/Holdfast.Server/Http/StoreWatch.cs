using Holdfast.Storage;
using Holdfast.Storage.Metadata;

namespace Holdfast.Server.Http;

/// <summary>Knows whether the blobs are where they should be, and tells of it in one incident, however much can't be found (P6).</summary>
internal sealed class StoreWatch(ContentStores stores, IncidentBook incidents)
{
    /// <summary>The incident's subject: it is no blob's.</summary>
    public const string Subject = "blobs";

    /// <summary>Looks now, and opens the incident if they are not; cheap enough to be asked before each piece of work.</summary>
    public bool IsAway()
    {
        if (stores.Blobs.FindFault() is not { } fault)
            return false;
        incidents.Report(IncidentKind.StoreUnreadable, Subject, fault);
        return true;
    }

    /// <summary>Looks now, and opens the incident or ends it, also that of a process before.</summary>
    public void LookAgain() => incidents.Report(IncidentKind.StoreUnreadable, Subject, stores.Blobs.FindFault());

    /// <summary>Answers 503; the folders' names are the operator's business.</summary>
    public Task FailAsync(RegistryRequest request)
    {
        IsAway();
        return request.FailAsync(
            Outcome.StoreAway,
            "the registry's blobs are not where they should be, as when a disk is not mounted: what is missing is not known to be lost, and nothing is stored until they are back. "
            + "The operator has been told; try again later");
    }
}
