using Holdfast.Drill.Images;
using Holdfast.Drill.Ledgers;
using Holdfast.Drill.Protocol;

namespace Holdfast.Drill.Traffic;

/// <summary>
/// One client that pushes images of all shapes in all orders, and remembers what it was told. A refused manifest is no fault: the collection or a delete may
/// have taken an unleased blob, and the client is told so; a lost or a broken image is one.
/// </summary>
internal sealed class Pusher(RegistryClient client, Ledger ledger, PusherSettings settings)
{
    private readonly Random _random = new(settings.Seed);
    private readonly ImageMaker _images = new(new Random(settings.Seed + 1), settings.LayerBytes);
    private readonly List<Manifest> _mine = [];

    public PushCounts Counts { get; } = new();

    /// <summary>Pushes until told to stop, or until a request isn't answered, as happens to all when the server is killed.</summary>
    public async Task RunAsync(Func<bool> goesOn, CancellationToken token)
    {
        while (goesOn() && !token.IsCancellationRequested)
        {
            if (!await PushOneAsync(token))
                return;
        }
    }

    /// <returns>False: a request wasn't answered.</returns>
    public async Task<bool> PushOneAsync(CancellationToken token)
    {
        var repository = settings.Repositories[_random.Next(settings.Repositories.Count)];
        var manifest = Choose();
        IReadOnlyList<string> tags = manifest.IsReferrer ? [] : [.. Enumerable.Range(0, _random.Next(5) == 0 ? 3 : 1).Select(_ => Tag()).Distinct()];
        var status = await PushClosureAsync(repository, manifest, tags, trusting: true, token);
        if (status is 400 or 404)
        {
            // What it skipped, because a HEAD had found it, has gone meanwhile; so everything is pushed.
            Counts.Repeated++;
            status = await PushClosureAsync(repository, manifest, tags, trusting: false, token);
        }

        if (status == 201)
        {
            Counts.Pushed++;
            Remember(manifest);
        }
        else if (status is 400 or 404)
            Counts.Refused++;
        return status != 0;
    }

    private string Tag() => $"t{_random.Next(settings.Tags)}";

    // Now and then something that was pushed before: a retag, or an image that was deleted meanwhile.
    private Manifest Choose() => _mine.Count > 0 && _random.Next(6) == 0 ? _mine[_random.Next(_mine.Count)]
        : _mine.Count > 0 && _random.Next(10) == 0 ? _images.Image(1, subject: _mine[_random.Next(_mine.Count)])
        : settings.Tiny && _random.Next(10) > 0 ? _images.Image(1)
        : _images.Any();

    private void Remember(Manifest manifest)
    {
        if (_mine.Count < 20)
            _mine.Add(manifest);
        else
            _mine[_random.Next(_mine.Count)] = manifest;
    }

    private async Task<int> PushClosureAsync(string repository, Manifest root, IReadOnlyList<string> tags, bool trusting, CancellationToken token)
    {
        foreach (var manifest in root.Closure)
        {
            var isRoot = ReferenceEquals(manifest, root);
            if (!isRoot && trusting && _random.Next(3) == 0 && (await client.HeadManifestAsync(repository, manifest.Digest, token)).Status == 200)
                continue;
            foreach (var blob in _random.Next(2) == 0 ? manifest.Blobs : manifest.Blobs.Reverse())
            {
                var blobStatus = await PushBlobAsync(repository, blob, trusting, token);
                if (blobStatus != 201)
                    return blobStatus;
            }

            var status = await PutAsync(repository, manifest, isRoot ? tags : [], token);
            if (status != 201)
                return status;
        }

        return 201;
    }

    private async Task<int> PutAsync(string repository, Manifest manifest, IReadOnlyList<string> tags, CancellationToken token)
    {
        var end = ledger.BeginPut(repository, manifest, tags);
        var answer = await client.PutManifestAsync(repository, manifest, tags, token);
        end(answer.IsKnown ? answer.Status == 201 : null);
        return Counts.Note(answer, $"PUT of manifest {repository}@{manifest.Digest}", 201, 400, 404);
    }

    private async Task<int> PushBlobAsync(string repository, Content blob, bool trusting, CancellationToken token)
    {
        if (trusting && _random.Next(2) == 0)
        {
            var head = Counts.Note(await client.HeadBlobAsync(repository, blob.Digest, token), "HEAD of a blob", 200, 404);
            if (head != 404)
                return head == 200 ? 201 : head;
        }

        if (trusting && _random.Next(4) == 0)
        {
            var from = settings.Repositories[_random.Next(settings.Repositories.Count)];
            var mounted = Counts.Note(await client.MountAsync(repository, blob.Digest, from, token), "mount", 201, 202);
            if (mounted != 202)
                return mounted;
        }

        return Counts.Note(await client.UploadAsync(repository, blob, (UploadWay)_random.Next(4), token), "upload", 201);
    }
}

/// <param name="Tags">In each repository; few, so that pushes move them.</param>
/// <param name="LayerBytes">Layers are up to this large.</param>
internal sealed record PusherSettings(int Seed, IReadOnlyList<string> Repositories, int Tags, int LayerBytes)
{
    /// <summary>Most images have one layer.</summary>
    public bool Tiny { get; init; }
}
