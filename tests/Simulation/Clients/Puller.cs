using Holdfast.Oci;
using Holdfast.Storage.Blobs;
using Holdfast.Storage.Metadata;

namespace Simulation.Clients;

/// <summary>Pulls what a tag names, as the endpoints answer it: no byte that is served may be wrong (P4).</summary>
internal sealed class Puller(World world, int repository)
{
    private ServerProcess Server => world.Process;

    private RepositoryKey Key => world.KeyOf(repository);

    public async Task PullAsync(int tag)
    {
        world.Steps++;
        var stored = await FindAsync(World.ReferenceTo(tag));
        if (stored is null)
            return;
        Server.Pulls.Note(Key, stored.Digest);
        world.Retention.NotePull(repository, Content.FindNode(stored.Digest)!);
        await PullAsync(stored.Digest);
    }

    private async Task PullAsync(Digest digest)
    {
        var payload = await Server.Checks.Copies.ReadAsync(digest, CancellationToken.None)
            ?? (await Server.Checks.Copies.MendAsync(digest, CancellationToken.None)).Payload;
        if (payload is null)
            return;
        ShouldBeRight(digest, payload);
        var node = Content.FindNode(digest)!;
        foreach (var blob in node.Blobs)
            await PullBlobAsync(blob);
        foreach (var child in node.Children)
        {
            var visible = await FindAsync(World.ReferenceTo(child.Digest));
            // Deleted meanwhile, perhaps.
            if (visible is not null)
                await PullAsync(child.Digest);
        }
    }

    // Nothing can come in between the answer and the second look.
    private async Task<StoredManifest?> FindAsync(Reference reference)
    {
        var found = await Server.Manifests.FindAsync(Key, reference, CancellationToken.None);
        if (found?.Stored != Manifests.Find(world.Session, Key, reference))
            throw new BrokenPromiseException($"what was remembered of {reference} is not what the rows say");
        return found?.Stored;
    }

    private async Task PullBlobAsync(Digest digest)
    {
        var found = await Server.Links.FindAsync(Key, digest, CancellationToken.None);
        if (found?.Blob != BlobLinks.Find(world.Session, Key, digest))
            throw new BrokenPromiseException($"what was remembered of the link of {Content.NameOf(digest)} is not what the rows say");
        if (found is null)
            return;
        var visible = found.Blob;
        await using var reader = await Server.Stores.Blobs.OpenAsync(digest, CancellationToken.None);
        if (reader is null || reader.SizeBytes != visible.SizeBytes || Server.Checks.Verifier.KnowsWrong(visible, reader.Stamp))
        {
            await Server.Checks.Verifier.NoteMissingAsync(digest, CancellationToken.None);
            return;
        }
        if (Server.Checks.Verifier.Trusts(visible, reader))
            await SendAsync(digest, reader);
        else if (await Server.Metadata.ReadAsync(digest, static (db, digest) => BlobChecks.Find(db, digest), CancellationToken.None) is { } row)
            await Server.Checks.Verifier.CheckAsync(row, pace: null, CancellationToken.None);
    }

    private static async Task SendAsync(Digest digest, BlobReader reader)
    {
        var bytes = new byte[reader.SizeBytes];
        for (var filled = 0; filled < bytes.Length;)
        {
            var read = await reader.ReadAsync(filled, bytes.AsMemory(filled), CancellationToken.None);
            if (read == 0)
                return;
            filled += read;
        }
        if (!await reader.WasChangedAsync(CancellationToken.None))
            ShouldBeRight(digest, bytes);
    }

    private static void ShouldBeRight(Digest digest, byte[] bytes)
    {
        if (!bytes.AsSpan().SequenceEqual(Content.BytesOf(digest)))
            throw new BrokenPromiseException($"wrong bytes of {Content.NameOf(digest)} were served");
    }
}
