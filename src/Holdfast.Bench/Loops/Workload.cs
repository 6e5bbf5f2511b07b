namespace Holdfast.Bench.Loops;

/// <summary>What is done; docs/bench.md describes each.</summary>
internal enum Workload
{
    Push,
    Pull,
    Mixed,
    ManifestByTag,
    ManifestByDigest,
    Head,
    Blob,
    Range,
    Tags,
    Catalog,
    Referrers,
    ColdCache,
    Delete,
    Get,
}

/// <summary>The workloads by the names that users write.</summary>
internal static class Workloads
{
    public static readonly IReadOnlyList<(string Name, Workload Workload)> All =
    [
        ("push", Workload.Push), ("pull", Workload.Pull), ("mixed", Workload.Mixed), ("manifest-by-tag", Workload.ManifestByTag),
        ("manifest-by-digest", Workload.ManifestByDigest), ("head", Workload.Head), ("blob", Workload.Blob), ("range", Workload.Range), ("tags", Workload.Tags),
        ("catalog", Workload.Catalog), ("referrers", Workload.Referrers), ("cold-cache", Workload.ColdCache), ("delete", Workload.Delete), ("get", Workload.Get),
    ];

    public static string NameOf(Workload workload) => All.First(one => one.Workload == workload).Name;

    /// <summary>Do its figures depend on how large a layer is?</summary>
    public static bool HasSize(Workload workload) =>
        workload is Workload.Push or Workload.Pull or Workload.Mixed or Workload.Head or Workload.Blob or Workload.Range or Workload.ColdCache;

    /// <summary>Does it read pages of a list?</summary>
    public static bool HasEntries(Workload workload) => workload is Workload.Tags or Workload.Catalog or Workload.Referrers;

    /// <summary>Does each of its requests need something of its own that was prepared?</summary>
    public static bool IsUsedUp(Workload workload) => workload is Workload.ColdCache or Workload.Delete;

    public static bool Pushes(Workload workload) => workload is Workload.Push or Workload.Mixed;

    /// <summary>Does it move bytes, so that bytes a second say more than requests a second?</summary>
    public static bool MovesBytes(Workload workload) =>
        workload is Workload.Push or Workload.Pull or Workload.Mixed or Workload.Blob or Workload.Range or Workload.ColdCache or Workload.Get;
}
