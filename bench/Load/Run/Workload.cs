namespace Holdfast.Load.Run;

internal enum Workload
{
    ManifestByTag,
    ManifestByDigest,
    Head,
    Pull,
    Push,
    SmallPush,
    Tags,
    Catalog,
    Get,
}
