using System.Globalization;
using Holdfast.Bench.Data;
using Holdfast.Bench.Http;

namespace Holdfast.Bench.Loops;

/// <summary>Puts into a server what a reading workload reads, unless it is there, and says what will be asked.</summary>
internal sealed class Preparation(Stand stand, BenchPlan plan, Scenario scenario, Halt halt)
{
    private const int RangeRequests = 256;

    private readonly Target _target = stand.Target;
    private readonly Names _names = stand.Names;

    /// <param name="round">Of workloads that use up what was prepared; the others find it there from the second on.</param>
    public async Task<ReadPlan> ReadsAsync(int round, CancellationToken token)
    {
        switch (scenario.Workload)
        {
            case Workload.Get:
                return await SingleAsync();
            case Workload.Tags or Workload.Catalog or Workload.Referrers:
                return await new ListPreparation(stand, plan, halt).ReadsAsync(scenario.Workload, token);
            case Workload.Delete:
                return await DeletesAsync(round, token);
            case Workload.ColdCache:
                return await GrantedAsync(PullsOf(ColdImages(round)), token);
            case Workload.Push:
                return new ReadPlan(_target, []);
            case Workload.Pull or Workload.Mixed or Workload.ManifestByTag or Workload.ManifestByDigest or Workload.Head or Workload.Blob or Workload.Range:
            default:
                await _target.Grants.AskAsync(Deed.Push, Repositories(), token);
                var images = ReadImages();
                await PushAsync(images);
                return await GrantedAsync(QuestionsOf(images), token);
        }
    }

    /// <summary>Pushes to the upstream what will be pulled through a cache; each image once.</summary>
    public async Task PushColdAsync(int round, CancellationToken token)
    {
        await _target.Grants.AskAsync(Deed.Push, Repositories(), token);
        await PushAsync(ColdImages(round));
    }

    /// <summary>A new image each time, for pushes.</summary>
    /// <exception cref="BenchFault">The server has the first of them, so that it would find all of them there.</exception>
    public async Task<Func<Image>> NewImagesAsync(int round, CancellationToken token)
    {
        await _target.Grants.AskAsync(Deed.Push, Repositories(), token);
        await _target.Grants.AskAsync(Deed.Pull, Repositories(), token);
        var source = new BlobSource(scenario.SizeBytes, RandomBytes.SeedFor(plan.Seed, $"{scenario.DataSet.Title()} round {round}"));
        var first = Image.Of(source, plan.Layers);
        var isThere = false;
        await stand.AloneAsync(halt, connection => isThere = IsThere(connection, _names.Repository(0), $"blobs/{first.Blobs[^1].Digest}"));
        if (isThere)
        {
            throw new BenchFault($"{stand.Server.Name} has the data of --seed {plan.Seed} already, so that pushing them would measure something else: "
                + "take another seed, or none, which takes a new one. The servers of one call must be different registries, too");
        }
        Image? unused = first;
        return () => Interlocked.Exchange(ref unused, null) ?? Image.Of(source, plan.Layers);
    }

    public IEnumerable<string> Repositories() => Enumerable.Range(0, plan.Repositories).Select(_names.Repository);

    private bool IsThere(Connection connection, string repository, string what) =>
        connection.Exchange(_target.Head("HEAD", Deed.Push, repository, $"/v2/{repository}/{what}"), bodiless: true).Status == 200;

    private async Task<ReadPlan> GrantedAsync(IReadOnlyList<Question[]> operations, CancellationToken token)
    {
        await _target.Grants.AskAsync(Deed.Pull, Repositories(), token);
        return new ReadPlan(_target, operations);
    }

    private List<(string Repository, string Tag, Image Image)> ReadImages()
    {
        var label = string.Create(CultureInfo.InvariantCulture, $"read-{scenario.SizeBytes}-{plan.Layers}");
        var source = new BlobSource(scenario.SizeBytes, RandomBytes.SeedFor(plan.Seed, label));
        // One repository after the other: requests in turn then go to all of them.
        return [.. from number in Enumerable.Range(0, plan.Images) from repository in Repositories() select (repository, $"{label}-{number}", Image.Of(source, plan.Layers))];
    }

    private List<(string Repository, string Tag, Image Image)> ColdImages(int round)
    {
        var label = string.Create(CultureInfo.InvariantCulture, $"cold-{scenario.SizeBytes}-{plan.Layers}-{round}");
        var source = new BlobSource(scenario.SizeBytes, RandomBytes.SeedFor(plan.Seed, label));
        return [.. Enumerable.Range(0, scenario.DataSet.Requests!.Value).Select(number => (_names.Repository(number % plan.Repositories), $"{label}-{number}", Image.Of(source, plan.Layers)))];
    }

    private Task PushAsync(List<(string Repository, string Tag, Image Image)> images)
    {
        var push = new ImagePush(_target, Upload.Put) { AsksFirst = true };
        return stand.EachAsync(halt, images.Count, (connection, number) =>
        {
            var (repository, tag, image) = images[number];
            if (IsThere(connection, repository, $"manifests/{image.Manifest.Digest}"))
                return;
            push.Push(connection, repository, image, tag);
            stand.Left.Add(repository, image.Manifest.Digest, image.Length);
        });
    }

    private List<Question[]> QuestionsOf(List<(string Repository, string Tag, Image Image)> images) => scenario.Workload switch
    {
        Workload.ManifestByTag => [.. images.Select(static one => new[] { Manifest(one.Repository, one.Tag, one.Image) })],
        Workload.ManifestByDigest => [.. images.Select(static one => new[] { Manifest(one.Repository, one.Image.Manifest.Digest, one.Image) })],
        Workload.Head => [.. images.Select(static one => new[] { new Question("HEAD", Deed.Pull, one.Repository, $"/v2/{one.Repository}/blobs/{one.Image.Blobs[^1].Digest}") })],
        Workload.Blob => [.. images.Select(one => new[] { BlobOf(one.Repository, one.Image.Blobs[^1]) })],
        Workload.Range => Ranges(images),
        _ => PullsOf(images),
    };

    // As a client pulls: what the tag means, the config, the layers.
    private List<Question[]> PullsOf(List<(string Repository, string Tag, Image Image)> images) =>
        [.. images.Select(one => (Question[])[Manifest(one.Repository, one.Tag, one.Image), .. one.Image.Blobs.Select(blob => BlobOf(one.Repository, blob))])];

    private static Question Manifest(string repository, string reference, Image image) => new("GET", Deed.Pull, repository, $"/v2/{repository}/manifests/{reference}")
    {
        Headers = $"Accept: {Image.MediaType}\r\n",
        Length = image.Manifest.Length,
    };

    private Question BlobOf(string repository, Blob blob) => new("GET", Deed.Pull, repository, $"/v2/{repository}/blobs/{blob.Digest}")
    {
        Length = blob.Length,
        Digest = plan.Verify ? blob.Digest : null,
    };

    private List<Question[]> Ranges(List<(string Repository, string Tag, Image Image)> images)
    {
        var random = new RandomBytes(RandomBytes.SeedFor(plan.Seed, "ranges"));
        return [.. Enumerable.Range(0, Math.Max(RangeRequests, images.Count)).Select(number =>
        {
            var (repository, _, image) = images[number % images.Count];
            var layer = image.Blobs[^1];
            var start = (long)(random.Next() % (ulong)(layer.Length - plan.PartBytes + 1));
            return new[]
            {
                new Question("GET", Deed.Pull, repository, $"/v2/{repository}/blobs/{layer.Digest}")
                {
                    Headers = string.Create(CultureInfo.InvariantCulture, $"Range: bytes={start}-{start + plan.PartBytes - 1}\r\n"),
                    Status = 206,
                    Length = plan.PartBytes,
                },
            };
        })];
    }

    private async Task<ReadPlan> DeletesAsync(int round, CancellationToken token)
    {
        await _target.Grants.AskAsync(Deed.Push, Repositories(), token);
        var label = string.Create(CultureInfo.InvariantCulture, $"delete-{plan.Layers}");
        var image = Image.Of(new BlobSource(scenario.SizeBytes, RandomBytes.SeedFor(plan.Seed, label)), plan.Layers);
        var push = new ImagePush(_target, Upload.Put) { AsksFirst = true };
        await stand.EachAsync(halt, plan.Repositories, (connection, number) =>
        {
            foreach (var blob in image.Blobs)
                push.PushBlob(connection, _names.Repository(number), blob);
        });
        var manifests = Enumerable.Range(0, scenario.DataSet.Requests!.Value)
            .Select(number => (Repository: _names.Repository(number % plan.Repositories), Manifest: image.Marked($"{label}-{round}-{number}").Manifest)).ToList();
        await stand.EachAsync(halt, manifests.Count, (connection, number) =>
        {
            var (repository, manifest) = manifests[number];
            push.PutManifest(connection, repository, manifest, manifest.Digest);
            stand.Left.Add(repository, manifest.Digest, manifest.Length);
        });
        await _target.Grants.AskAsync(Deed.Delete, Repositories(), token);
        return new ReadPlan(_target, [.. manifests.Select(static one => new[] { new Question("DELETE", Deed.Delete, one.Repository, $"/v2/{one.Repository}/manifests/{one.Manifest.Digest}") { Status = 202 } })]);
    }

    private async Task<ReadPlan> SingleAsync()
    {
        var question = new Question("GET", Deed.Pull, "", plan.Path!);
        await stand.AloneAsync(halt, connection =>
        {
            var response = connection.Exchange(_target.Head(question));
            if (response.Status != 200)
                throw Connection.Refused(response, $"for {plan.Path}");
            question = question with { Length = response.BodyBytes };
        });
        return new ReadPlan(_target, [[question]]);
    }
}
