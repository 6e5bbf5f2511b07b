using Holdfast.Load.Data;
using Holdfast.Load.Http;

namespace Holdfast.Load.Run;

/// <summary>The requests of a reading workload, made in advance, and what their answers must be.</summary>
/// <param name="Requests">Sent in turn.</param>
/// <param name="Length">Bytes of every answer's body; null when they differ.</param>
/// <param name="Digest">What the body must hash to; null to not hash it.</param>
internal sealed record ReadPlan(byte[][] Requests, bool Bodiless, long? Length, string? Digest)
{
    private const int PageEntries = 100;
    private const int PageRequests = 512;
    private const string Accept = "Accept: application/vnd.oci.image.manifest.v1+json\r\n";

    /// <summary>Makes the plan; pushes the image that it reads first.</summary>
    public static ReadPlan Prepare(RunOptions options)
    {
        using var connection = new Connection(options.Target);
        var target = options.Target;
        var name = options.Repository;
        switch (options.Workload)
        {
            case Workload.Get:
                return Single(connection, target.Head("GET", options.Path!));
            case Workload.Tags:
                return Pages(connection, options, $"/v2/{name}/tags/list", PreparedNames.TagPrefix);
            case Workload.Catalog:
                return Pages(connection, options, "/v2/_catalog", PreparedNames.RepositoryPrefix);
            case Workload.Pull:
                var large = Push(connection, options);
                var layer = large.Blobs[^1];
                return new([target.Head("GET", $"/v2/{name}/blobs/{layer.Digest}")], false, layer.Length, options.Verify ? layer.Digest : null);
            case Workload.Head:
                return new([target.Head("HEAD", $"/v2/{name}/blobs/{Push(connection, options).Blobs[^1].Digest}")], true, null, null);
            case Workload.ManifestByDigest:
                var byDigest = Push(connection, options).Manifest;
                return new([target.Head("GET", $"/v2/{name}/manifests/{byDigest.Digest}", Accept)], false, byDigest.Length, null);
            case Workload.ManifestByTag:
                var byTag = Push(connection, options).Manifest;
                return new([target.Head("GET", $"/v2/{name}/manifests/{ImagePush.ReadTag}", Accept)], false, byTag.Length, null);
            case Workload.Push:
            case Workload.SmallPush:
            default:
                throw new InvalidOperationException("not a reading workload");
        }
    }

    private static Image Push(Connection connection, RunOptions options)
    {
        var pull = options.Workload == Workload.Pull;
        var image = pull ? Image.Large(new BlobSource(options.Size, options.Seed)) : Image.Small(new BlobSource(1024, options.Seed));
        new ImagePush(options.Target, options.Repository, options.Upload) { AsksFirst = true }.Push(connection, image, ImagePush.ReadTag);
        return image;
    }

    private static ReadPlan Single(Connection connection, byte[] request)
    {
        var response = connection.Exchange(request);
        if (response.Status != 200)
            throw new RequestFailedException($"status {response.Status} for --path");
        return new([request], false, response.BodyBytes, null);
    }

    /// <summary>Full pages from seeded random places of the listing, as deep ones are where a listing gets slow.</summary>
    private static ReadPlan Pages(Connection connection, RunOptions options, string path, string prefix)
    {
        var random = new RandomBytes(options.Seed);
        var places = Math.Max(1, options.Entries - PageEntries + 1);
        var requests = new byte[Math.Min(PageRequests, places)][];
        for (var i = 0; i < requests.Length; i++)
        {
            // The page begins behind `last`; place 0 is the first page, which has none.
            var place = (int)(random.Next() % (ulong)places);
            var last = place == 0 ? "" : $"&last={Uri.EscapeDataString(PreparedNames.Entry(prefix, place - 1))}";
            requests[i] = options.Target.Head("GET", $"{path}?n={PageEntries}{last}");
        }

        using var body = new MemoryStream();
        var response = connection.Exchange(requests[^1], body: body);
        var entries = body.ToArray().AsSpan().Count((byte)',');
        if (response.Status != 200)
            throw new RequestFailedException($"status {response.Status} for {path}");
        if (entries < Math.Min(options.Entries, PageEntries) - 1)
            throw new RequestFailedException($"{path} has fewer than --entries {options.Entries} entries: run `load prepare` first");
        return new(requests, false, response.BodyBytes, null); // names are of one width, so every full page has one length
    }
}
