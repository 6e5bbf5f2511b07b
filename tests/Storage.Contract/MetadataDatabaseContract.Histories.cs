using Holdfast.Oci;
using Holdfast.Storage.Metadata;
using Holdfast.Testing;
using Shouldly;
using Xunit;

namespace Holdfast.Storage.Contract;

public abstract partial class MetadataDatabaseContract
{
    [Theory, Promise("P2"), Promise("P3"), Promise("P7")]
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
            var deletion = As($"step {step}");
            switch (random.Next(9))
            {
                case 0:
                    model.AddLink((await LinkAsync($"blob {random.Next(8)}")).Digest);
                    break;
                case 1:
                    var blob = Content($"blob {random.Next(8)}").Digest;
                    (await ChangeAsync(session => BlobLinks.Remove(session, App, blob, deletion, Now))).Outcome.ShouldBe(model.RemoveLink(blob, deletion), message);
                    break;
                case 2 when puts.Count > 0:
                    var victim = puts[random.Next(puts.Count)].Digest;
                    (await ChangeAsync(session => Manifests.Delete(session, App, victim, deletion, Now))).Outcome.ShouldBe(model.Delete(victim, deletion), message);
                    break;
                case 3:
                    var tag = $"tag-{random.Next(6)}";
                    (await ChangeAsync(session => Tags.Delete(session, App, Tag.Parse(tag), deletion, Now))).ShouldBe(model.DeleteTag(tag, deletion), message);
                    break;
                case 4 when model.Trash.Count > 0:
                    await RestoreAsync(random, model, deletion);
                    break;
                case 5 when model.Trash.Count > 0 && random.Next(3) == 0:
                    await PurgeAsync(random, model);
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

    private async Task RestoreAsync(Random random, RepositoryModel model, Deletion deletion)
    {
        var operation = model.Trash[random.Next(model.Trash.Count)].Operation;
        var replacing = random.Next(2) == 0 ? null : deletion;
        await RestoreAsync(new TrashFilter { Operation = operation }, new RestoreTerms(Replacing: replacing));
        model.Restore(operation, replacing?.Operation);
        await ShouldBeWholeAsync($"{deletion.Operation}, restoring {operation}");
    }

    private async Task PurgeAsync(Random random, RepositoryModel model)
    {
        var operation = model.Trash[random.Next(model.Trash.Count)].Operation;
        var ids = await QueryAsync(session => Trash.ListIds(session, new TrashFilter { Operation = operation }));
        foreach (var id in ids.Reverse())
            await PurgeAsync(id);
        model.Purge(operation);
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
        for (var i = 0; i < 8; i++)
        {
            var blob = Content($"blob {i}").Digest;
            (await QueryAsync(session => BlobLinks.Find(session, App, blob)) is not null).ShouldBe(model.Links.Contains(blob));
        }
        var trash = (await QueryAsync(session => Trash.List(session, new TrashFilter(), long.MaxValue, 10_000))).Items;
        trash.Select(item => new TrashEntry(item.Kind, item.Digest, item.Tag?.ToString(), item.Deletion.Operation)).ShouldBe(model.Trash, ignoreOrder: true);
    }
}
