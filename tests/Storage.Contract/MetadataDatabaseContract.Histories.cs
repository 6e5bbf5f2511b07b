using Holdfast.Oci;
using Holdfast.Storage.Metadata;
using Holdfast.Testing;
using Shouldly;
using Xunit;

namespace Holdfast.Storage.Contract;

public abstract partial class MetadataDatabaseContract
{
    [Theory, Promise("P2"), Promise("P3")]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public async Task History_OfAnyPutsAndDeletes_EndsLikeTheModel(int seed)
    {
        var random = new Random(seed);
        var model = new RepositoryModel();
        var puts = new List<ManifestPut>();
        for (var step = 0; step < 400; step++)
        {
            var message = $"seed {seed}, step {step}";
            switch (random.Next(6))
            {
                case 0:
                    model.Links.Add((await LinkAsync($"blob {random.Next(8)}")).Digest);
                    break;
                case 1:
                    var blob = Content($"blob {random.Next(8)}").Digest;
                    (await ChangeAsync(session => BlobLinks.Remove(session, App, blob, ByClient, Now))).Outcome.ShouldBe(model.RemoveLink(blob), message);
                    break;
                case 2 when puts.Count > 0:
                    var victim = puts[random.Next(puts.Count)].Digest;
                    (await ChangeAsync(session => Manifests.Delete(session, App, victim, ByClient, Now))).Outcome.ShouldBe(model.Delete(victim), message);
                    break;
                case 3:
                    var tag = $"tag-{random.Next(6)}";
                    (await ChangeAsync(session => Tags.Delete(session, App, Tag.Parse(tag), ByClient, Now))).ShouldBe(model.Tags.Remove(tag), message);
                    break;
                default:
                    var put = AnyPut(random, puts);
                    puts.Add(put);
                    (await PutAsync(put)).Missing.Select(missing => missing.Digest).ShouldBe(model.Put(put), message);
                    break;
            }
        }
        await ShouldEqualAsync(model, puts);
    }

    private ManifestPut AnyPut(Random random, List<ManifestPut> earlier)
    {
        var blobs = Enumerable.Range(0, random.Next(4)).Select(_ => Content($"blob {random.Next(8)}")).ToArray();
        var children = Enumerable.Range(0, earlier.Count == 0 ? 0 : random.Next(3)).Select(_ => AsChild(earlier[random.Next(earlier.Count)])).ToArray();
        var isIndex = random.Next(2) == 0;
        var manifest = isIndex ? Index(children) : Image(null, blobs);
        var edges = isIndex ? children : blobs;

        // The same edges are the same bytes, so that histories put one manifest again and again.
        var payload = (isIndex ? "index " : "image ") + string.Join(' ', edges.Select(edge => edge.Digest.ToString()));
        return Putting(App, payload, manifest, $"tag-{random.Next(6)}");
    }

    private async Task ShouldEqualAsync(RepositoryModel model, List<ManifestPut> puts)
    {
        var tags = await PageThroughAsync((session, last) => Tags.List(session, App, last, 2));
        tags.ShouldBe(model.Tags.Keys.Order(StringComparer.Ordinal));
        foreach (var (tag, digest) in model.Tags)
            (await QueryAsync(session => Manifests.Find(session, App, Tag.Parse(tag))))!.Digest.ShouldBe(digest);
        foreach (var put in puts)
            (await QueryAsync(session => Manifests.Find(session, App, put.Digest)) is not null).ShouldBe(model.Manifests.ContainsKey(put.Digest));
    }

    /// <summary>One repository as plain collections.</summary>
    private sealed class RepositoryModel
    {
        public HashSet<Digest> Links { get; } = [];

        public Dictionary<Digest, HashSet<Digest>> Manifests { get; } = [];

        public Dictionary<string, Digest> Tags { get; } = [];

        public DeleteOutcome RemoveLink(Digest blob) => Remove(Links.Contains(blob), blob, () => Links.Remove(blob));

        public DeleteOutcome Delete(Digest manifest) => Remove(Manifests.ContainsKey(manifest), manifest, () =>
        {
            Manifests.Remove(manifest);
            foreach (var tag in Tags.Where(tag => tag.Value == manifest).Select(tag => tag.Key).ToList())
                Tags.Remove(tag);
        });

        public List<Digest> Put(ManifestPut put)
        {
            var edges = put.Manifest.Layers.Concat(put.Manifest.Children).Select(edge => edge.Digest).Distinct().ToList();
            var missing = edges.Where(edge => !Links.Contains(edge) && !Manifests.ContainsKey(edge)).ToList();
            if (missing.Count > 0)
                return missing;
            Manifests[put.Digest] = [.. edges];
            foreach (var tag in put.Tags)
                Tags[tag.ToString()] = put.Digest;
            return [];
        }

        private DeleteOutcome Remove(bool isKnown, Digest digest, Action remove)
        {
            if (!isKnown)
                return DeleteOutcome.Unknown;
            if (Manifests.Values.Any(edges => edges.Contains(digest)))
                return DeleteOutcome.Held;
            remove();
            return DeleteOutcome.Deleted;
        }
    }
}
