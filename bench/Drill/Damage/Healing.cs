using System.Diagnostics;
using Holdfast.Drill.Checks;
using Holdfast.Drill.Images;
using Holdfast.Drill.Protocol;
using Holdfast.Drill.Servers;

namespace Holdfast.Drill.Damage;

/// <summary>Pushes half of what is damaged again, lets the server find the other half at a donor, and waits until all is healed.</summary>
internal sealed class Healing(HoldfastServer server, string donor, DamageOptions options)
{
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(200);

    public List<string> Faults { get; } = [];

    public int ByPush { get; private set; }

    public int ByDonor { get; private set; }

    /// <summary>A manifest's other copy is in the database; that heals at once.</summary>
    public int ByItself { get; private set; }

    public double SlowestPush { get; private set; }

    public double SlowestDonor { get; private set; }

    public async Task RunAsync(
        IReadOnlyList<Wound> wounds, IReadOnlyList<Manifest> images, IReadOnlyDictionary<string, Content> byDigest, string repository, CancellationToken token)
    {
        var open = (await OpenIncidents.ListAsync(server.Admin, "open", token)).Select(incident => incident.Subject).ToHashSet(StringComparer.Ordinal);
        var hurt = wounds.Select(wound => wound.Digest).Where(open.Contains).Order(StringComparer.Ordinal).ToList();
        ByItself = wounds.Count - hurt.Count;
        var pushed = hurt.Take(hurt.Count / 2).ToHashSet(StringComparer.Ordinal);
        var fetched = hurt.Skip(hurt.Count / 2).ToHashSet(StringComparer.Ordinal);

        SlowestPush = await PushAsync(pushed, images, repository, token);
        ByPush = pushed.Count;
        foreach (var digest in fetched)
            await FillDonorAsync(byDigest[digest], token);
        var since = Stopwatch.StartNew();
        // The server looks at its donors again by itself, after growing pauses; this asks it to look now.
        await server.Admin.PostAsync("/api/v1/heal/run", token);
        await WaitAsync(fetched, since, token);
        SlowestDonor = since.Elapsed.TotalSeconds;
        ByDonor = fetched.Count;
    }

    // As a client does that finds out by HEAD what is missing; the damaged file must be missing to HEAD, or nobody would push it.
    private async Task<double> PushAsync(HashSet<string> digests, IReadOnlyList<Manifest> images, string repository, CancellationToken token)
    {
        var slowest = 0.0;
        foreach (var image in images)
        {
            foreach (var blob in image.Blobs.Where(blob => digests.Contains(blob.Digest)))
            {
                var since = Stopwatch.StartNew();
                var head = await server.Client.HeadBlobAsync(repository, blob.Digest, token);
                if (head.Status == 200)
                    continue; // shared with an image that was pushed before
                var push = await server.Client.UploadAsync(repository, blob, UploadWay.Put, token);
                var pulled = await server.Client.GetBlobAsync(repository, blob.Digest, token);
                if (push.Status != 201 || pulled.Status != 200)
                    Faults.Add($"NOT HEALED by a push: {blob.Digest}: push {push}, pull {pulled.Status}");
                slowest = Math.Max(slowest, since.Elapsed.TotalSeconds);
            }

            if (digests.Contains(image.Digest))
                await server.Client.PutManifestAsync(repository, image, [], token);
        }

        await WaitAsync(digests, Stopwatch.StartNew(), token);
        return slowest;
    }

    private async Task FillDonorAsync(Content content, CancellationToken token)
    {
        var folder = Directory.CreateDirectory(Path.Combine(donor, "blobs", "sha256", content.Digest[7..9])).FullName;
        await File.WriteAllBytesAsync(Path.Combine(folder, content.Digest[7..]), content.Bytes, token);
    }

    private async Task WaitAsync(HashSet<string> digests, Stopwatch since, CancellationToken token)
    {
        while (true)
        {
            var open = (await OpenIncidents.ListAsync(server.Admin, "open", token)).Where(incident => digests.Contains(incident.Subject)).ToList();
            if (open.Count == 0)
                return;
            if (since.Elapsed > options.Heal)
            {
                Faults.AddRange(open.Select(incident => $"NOT HEALED after {since.Elapsed.TotalSeconds:0} s: {incident.Kind} {incident.Subject}"));
                return;
            }

            await Task.Delay(Look, token);
        }
    }
}
