using Holdfast.Storage.Metadata;

namespace Holdfast.Server.Incidents;

/// <summary>What to do next about an incident: a sentence or two for each kind; docs/incidents.md tells more.</summary>
internal static class Advice
{
    private const string Push = "push an image that holds it again, and it is healed; or name a donor that has it under heal.donors, and restart";

    /// <param name="image">An image that it hits; null if none is known.</param>
    public static string Of(IncidentKind kind, string? image) => kind switch
    {
        IncidentKind.BlobMissing or IncidentKind.BlobCorrupt or IncidentKind.ManifestMissing => image is null ? Push : Push.Replace("an image that holds it", image, StringComparison.Ordinal),
        IncidentKind.ManifestCopy => "nothing: its other copy is served, and this one is written anew from it. If that fails, see to the disk",
        IncidentKind.DanglingEdge => "push the image again; if many are hit, stop the server and run `holdfast rebuild`",
        IncidentKind.UnknownFile => "nothing: whole blobs are adopted and collected after the grace, unless an incident about the journal is to be acknowledged first. Move what else lies in the blobs' folder out of it",
        IncidentKind.StoreUnreadable => "see to the disk, its mount and the permissions in the data folder; nothing is removed meanwhile",
        IncidentKind.DiskReserve => "free some room: delete images and empty the trash (`holdfast trash purge`, `holdfast gc run`), or enlarge the disk",
        IncidentKind.StoreReadOnly => "see to the disk (`dmesg` tells why the kernel made it read-only) and mount it for writing; if writes still fail a minute later, restart the server",
        IncidentKind.Certificate => "put a certificate and its key in place that belong together and are not about to end; they are taken without a restart",
        IncidentKind.Configuration => "mend the file that it names; it is taken without a restart",
        IncidentKind.CheckOverdue => "the server's log tells why the check does not come to its end",
        IncidentKind.RetentionGuard => "look at `holdfast retention plan`; change the rule, raise its maxRemoved if the plan is right, or mend the in-use list; the next run that passes ends this",
        IncidentKind.Journal => "see to the journal's folder; `holdfast rebuild` makes the database from journal and blobs, if it is the database that is wrong; acknowledge it once nothing is missing: until then no unknown blob is collected",
        IncidentKind.Clock => "see to the machine's clock (NTP, a battery). Nothing is lost by it: what is deleted stays restorable for its whole time. If room is needed, `holdfast trash purge` and `holdfast gc run --emergency` work as ever",
        IncidentKind.Upstream => "see whether the upstream is reachable from this machine and takes the cache's credentials; what is cached is served meanwhile, and this ends by itself with the next answer",
        IncidentKind.CacheFull => "free some room, lower disk.reserve or give the caches a size.max; of one that holds more than that, raise it or pin less. Clients get what they pull meanwhile, from the upstream",
        IncidentKind.Unpullable => "if bytes of it are damaged, another incident says so and what to do; else the detail has what the server answered, and its log tells why. `holdfast verify` asks again",
        _ => "docs/incidents.md tells what to do",
    };
}
