using System.Collections.Concurrent;
using Holdfast.Doctor.Sources;
using Holdfast.Oci;

namespace Holdfast.Doctor.Import;

/// <summary>Takes what is whole out of a source into a target, a slice of a repository at a time; lists what is not, and why. What is there already is passed over.</summary>
public sealed class Importer(ContentSource source, ImportTarget target, ImportOptions options)
{
    // Many images share the syncs and commits of a slice. From another machine blobs may take minutes, and what is here of an image waits for the rest of it only as long as its lease.
    private const int LocalSlice = 500;
    private const int RemoteSlice = 16;

    // A tag's last target alone: one that went away and came back is to follow again.
    private readonly Dictionary<(RepositoryName Repository, Tag Tag), Digest> _doneTags = [];
    private readonly HashSet<(RepositoryName Repository, Digest Digest)> _doneUntagged = [];

    // Small repositories go side by side, so that they share syncs and commits; of large ones, the next slice is linked and hashed while one is made to last. Never more
    // images than in two slices of a large one. From another machine it is the bytes that are waited for.
    private const int SmallSlicesAtOnce = 64;
    private readonly int _slicesAtOnce = source.IsRemote || options.IsDry ? 1 : SmallSlicesAtOnce;
    private readonly Queue<RunningSlice> _running = [];
    private readonly ConcurrentDictionary<Digest, Task<bool>> _copies = new();
    private readonly BlobClaims _claims = new();

    /// <summary>Goes through the source once. Run again, it asks only for what was not done by this importer.</summary>
    /// <exception cref="SourceException">The source can't be listed: not known is what it holds.</exception>
    /// <exception cref="IOException">The target can't take anything in; what was taken by then stays.</exception>
    public async Task<ImportReport> RunAsync(CancellationToken token)
    {
        var report = new ImportReport();
        _copies.Clear();
        await using var gathered = new GatheringTarget(target);
        using var stopping = CancellationTokenSource.CreateLinkedTokenSource(token);
        try
        {
            await TakeAllAsync(gathered, report, stopping.Token);
        }
        finally
        {
            // After a failure nothing goes on behind the caller's back.
            await stopping.CancelAsync();
            while (_running.TryDequeue(out var slice))
                await ((Task)slice.Taken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
        report.WhyCopied = report.Copies > 0 ? target.Staging?.WhyCopied : null;
        return report;
    }

    private async Task TakeAllAsync(GatheringTarget gathered, ImportReport report, CancellationToken token)
    {
        var slice = new List<SourceImage>();
        var seen = new HashSet<RepositoryName>();
        var images = 0L;
        await foreach (var image in source.ListImagesAsync(options.IsWanted, token))
        {
            options.Progress(new ImportProgress("looking", ++images, null, "images"));
            if (options.TaggedOnly && image.Tag.IsNone && !image.Repository.IsNone)
                continue;
            if (seen.Add(options.PlaceOf(image.Repository)))
                report.Repositories++;
            if (slice.Count > 0 && (slice[0].Repository != image.Repository || slice.Count >= (source.IsRemote ? RemoteSlice : LocalSlice)))
            {
                await BeginAsync(slice, gathered, report, token);
                slice = [];
            }
            slice.Add(image);
        }
        await BeginAsync(slice, gathered, report, token);
        while (_running.Count > 0)
            await EndOneAsync(report);
    }

    private async Task BeginAsync(List<SourceImage> slice, GatheringTarget gathered, ImportReport report, CancellationToken token)
    {
        foreach (var lost in slice.Where(image => image.Digest.IsNone))
        {
            var kind = source.IsRemote ? ImportFindingKind.Unreadable : ImportFindingKind.NotWhole;
            report.Add(new ImportFinding(kind, lost.Repository, lost.Tag, default, [lost.Problem ?? "the tag leads nowhere"]));
        }
        var images = slice.Where(image => !image.Digest.IsNone && !IsDone(image)).ToList();
        report.AlreadyThere += slice.Count(image => !image.Digest.IsNone) - images.Count;
        if (images.Count == 0)
            return;
        var repository = images[0].Repository;
        var place = options.PlaceOf(repository);
        if (place.IsNone)
        {
            foreach (var image in images)
                report.Add(new ImportFinding(ImportFindingKind.Nameless, repository, image.Tag, image.Digest, [$"{source.Name} doesn't say to which repository it belongs; name one with --into"]));
            return;
        }
        // Of two slices of one place the later has the last word on its tags, and finds what the earlier brought.
        while (_running.Count >= _slicesAtOnce || (_running.Count > 0 && _running.Sum(running => running.Images) + images.Count > 2 * LocalSlice) || _running.Any(running => running.Place == place))
            await EndOneAsync(report);
        _running.Enqueue(new RunningSlice(place, images.Count, TakeAsync(gathered, (repository, place), images, token)));
    }

    private async Task EndOneAsync(ImportReport report)
    {
        var (took, done) = await _running.Dequeue().Taken;
        report.AddSlice(took);
        foreach (var image in done)
            NoteDone(image);
    }

    private async Task<(ImportReport Took, IEnumerable<SourceImage> Done)> TakeAsync(
        GatheringTarget gathered, (RepositoryName From, RepositoryName To) way, List<SourceImage> images, CancellationToken token)
    {
        // A source that keeps no repositories is asked by the new name, which it doesn't look at; and people are told of that one.
        var name = way.From.IsNone ? way.To : way.From;
        images = [.. images.Select(image => image with { Repository = name })];
        var report = new ImportReport();
        var done = await new RepositoryImport(source, gathered, options, _claims, report) { Copies = _copies }.RunAsync(name, way.To, images, token);
        return (report, options.IsDry ? [] : [.. done.Select(one => one with { Repository = way.From })]);
    }

    private readonly record struct RunningSlice(RepositoryName Place, int Images, Task<(ImportReport Took, IEnumerable<SourceImage> Done)> Taken);

    private bool IsDone(SourceImage image) => image.Tag.IsNone
        ? _doneUntagged.Contains((image.Repository, image.Digest))
        : _doneTags.TryGetValue((image.Repository, image.Tag), out var last) && last == image.Digest;

    private void NoteDone(SourceImage image)
    {
        if (image.Tag.IsNone)
            _doneUntagged.Add((image.Repository, image.Digest));
        else
            _doneTags[(image.Repository, image.Tag)] = image.Digest;
    }
}
