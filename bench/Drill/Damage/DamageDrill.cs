using System.Collections.Concurrent;
using System.Diagnostics;
using Holdfast.Drill.Checks;
using Holdfast.Drill.Images;
using Holdfast.Drill.Protocol;
using Holdfast.Drill.Servers;

namespace Holdfast.Drill.Damage;

/// <summary>
/// Damages files of a store while clients pull: nothing wrong is served, everything is found in time, and heals without a restart, by a push or
/// from a donor.
/// </summary>
internal sealed class DamageDrill(DamageOptions options)
{
    private const string Repository = "drill/damaged";
    private const int MostFaults = 50;

    private readonly Random _random = new(options.Seed);
    private readonly ConcurrentDictionary<string, Wound> _wounds = new(StringComparer.Ordinal);
    private readonly List<string> _faults = [];

    public async Task<DamageResult> RunAsync(CancellationToken token)
    {
        var since = Stopwatch.StartNew();
        using var folder = new WorkFolder(options.Parent, options.Keep);
        var donor = folder.Sub("donor");
        using var server = new HoldfastServer(options.Program, folder.Path) { Wrapper = OtherUser.Wrapper(folder.Path) };
        server.Settings["collection"] = "{ grace: 24h }";
        server.Settings["trash"] = "{ keep: 7d }";
        server.Settings["scrub"] = $"{{ sweep: {options.Sweep.TotalMilliseconds:0}ms, period: {options.Period.TotalMilliseconds:0}ms }}";
        server.Settings["heal"] = $"{{ donors: [ {{ folder: {donor} }} ] }}";
        await server.StartAsync(token);
        var images = await PushAllAsync(server.Client, token);
        var byDigest = images.SelectMany(image => image.Blobs.Append(image.Content)).DistinctBy(content => content.Digest).ToDictionary(content => content.Digest);

        using var client = new RegistryClient(server.Address);
        var puller = new HashingPuller(client, Repository, images, _wounds.ContainsKey);
        var goesOn = true;
        var pulling = Enumerable.Range(0, options.Pullers).Select(i => puller.RunAsync(options.Seed + i, () => Volatile.Read(ref goesOn), token)).ToList();

        Inflict(server, [.. byDigest.Keys.Order(StringComparer.Ordinal)]);
        options.Say($"{_wounds.Count} files of {byDigest.Count} damaged");
        var wounds = _wounds.Values.ToList();
        var detection = new Detection(server.Admin, options);
        await detection.RunAsync(wounds, token);
        _faults.AddRange(detection.Faults);
        options.Say("found: " + string.Join(", ", detection.Slowest.Select(kind => $"{kind.Key} within {kind.Value:0.0} s")));

        var healing = new Healing(server, donor, options);
        await healing.RunAsync(wounds, images, byDigest, Repository, token);
        _faults.AddRange(healing.Faults);
        _wounds.Clear();
        options.Say($"healed: {healing.ByPush} by a push, {healing.ByDonor} from the donor, {healing.ByItself} by itself");

        Volatile.Write(ref goesOn, false);
        await Task.WhenAll(pulling);
        await CheckAllAsync(client, images, token);
        _faults.AddRange(puller.Faults);
        if (_faults.Count > 0)
            _faults.Add($"the end of the server's log:\n{server.LogEnd()}");
        await server.StopAsync();
        return new DamageResult(
            options.Seed, images.Count, byDigest.Count, wounds.Count, wounds.CountBy(wound => wound.Kind.ToString()).ToDictionary(), puller.Whole, puller.Interrupted,
            detection.Slowest, detection.Kinds, healing.ByPush, healing.ByDonor, healing.ByItself, healing.SlowestPush, healing.SlowestDonor,
            since.Elapsed.TotalSeconds, [.. _faults.Take(MostFaults)]);
    }

    private async Task<List<Manifest>> PushAllAsync(RegistryClient client, CancellationToken token)
    {
        var maker = new ImageMaker(new Random(options.Seed + 1), options.LayerBytes);
        var images = Enumerable.Range(0, options.Images).Select(_ => maker.Image(3)).ToList();
        var parallel = new ParallelOptions { MaxDegreeOfParallelism = 8, CancellationToken = token };
        await Parallel.ForEachAsync(Enumerable.Range(0, images.Count), parallel, async (i, ct) =>
        {
            foreach (var blob in images[i].Blobs)
                Expect(await client.UploadAsync(Repository, blob, UploadWay.Put, ct), 201);
            Expect(await client.PutManifestAsync(Repository, images[i], [$"i{i}"], ct), 201);
        });
        options.Say($"{images.Count} images pushed");
        return images;
    }

    // Known as wounded before it is, so that no pull takes the wound for a fault.
    private void Inflict(HoldfastServer server, string[] digests)
    {
        _random.Shuffle(digests);
        var kinds = Enum.GetValues<WoundKind>();
        for (var (i, taken) = (0, 0); i < options.Wounds && taken + 1 < digests.Length; i++)
        {
            var kind = kinds[i % kinds.Length];
            var digest = digests[taken++];
            _wounds[digest] = new Wound(digest, kind, DateTimeOffset.UtcNow);
            if (kind != WoundKind.Swapped)
            {
                Wounds.Inflict(server.BlobFile(digest), kind, _random);
                continue;
            }

            var other = digests[taken++];
            _wounds[other] = new Wound(other, kind, DateTimeOffset.UtcNow);
            Wounds.Swap(server.BlobFile(digest), server.BlobFile(other));
        }
    }

    private async Task CheckAllAsync(RegistryClient client, List<Manifest> images, CancellationToken token)
    {
        var walk = new ImageWalk(client, _ => true);
        foreach (var image in images)
            _faults.AddRange((await walk.CheckAsync(Repository, image.Digest, token)).Select(fault => $"NOT WHOLE at the end: {fault}"));
    }

    private static void Expect(Answer answer, int status)
    {
        if (answer.Status != status)
            throw new DrillException($"a push failed: {answer}, not {status}");
    }
}
