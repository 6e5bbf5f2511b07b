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

    // While one is made to last (syncs, commits), the next is linked and hashed.
    private const int LocalSlicesAtOnce = 2;

    private readonly BlobClaims _claims = new();

    // A tag's last target alone: one that went away and came back is to follow again.
    private readonly ConcurrentDictionary<(RepositoryName Repository, Tag Tag), Digest> _doneTags = new();
    private readonly ConcurrentDictionary<(RepositoryName Repository, Digest Digest), bool> _doneUntagged = new();

    /// <summary>Goes through the source once. Run again, it asks only for what was not done by this importer.</summary>
    /// <exception cref="SourceException">The source can't be listed: not known is what it holds.</exception>
    /// <exception cref="IOException">The target can't take anything in; what was taken by then stays.</exception>
    public async Task<ImportReport> RunAsync(CancellationToken token)
    {
        var report = new ImportReport();
        var taking = new Queue<(RepositoryName Place, Task<ImportReport> Work)>();
        try
        {
            await TakeAllAsync(report, taking, token);
            while (taking.Count > 0)
                report.AddSlice(await taking.Dequeue().Work);
        }
        finally
        {
            // Nobody may be at work on the target any more when it is closed.
            await Task.WhenAll(taking.Select(one => (Task)one.Work)).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
        report.WhyCopied = report.Copies > 0 ? target.Staging?.WhyCopied : null;
        return report;
    }

    private async Task TakeAllAsync(ImportReport report, Queue<(RepositoryName Place, Task<ImportReport> Work)> taking, CancellationToken token)
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
                await BeginAsync(slice);
                slice = [];
            }
            slice.Add(image);
        }
        if (slice.Count > 0)
            await BeginAsync(slice);

        async Task BeginAsync(List<SourceImage> one)
        {
            // Two of one repository are not taken at once: the second would bring what the first is just bringing.
            var place = options.PlaceOf(one[0].Repository);
            while (taking.Count >= (source.IsRemote ? 1 : LocalSlicesAtOnce) || taking.Any(other => other.Place == place))
            {
                var first = taking.Peek().Work;
                report.AddSlice(await first);
                taking.Dequeue();
            }
            taking.Enqueue((place, TakeAsync(one, token)));
        }
    }

    private async Task<ImportReport> TakeAsync(List<SourceImage> slice, CancellationToken token)
    {
        await Task.Yield();
        var report = new ImportReport();
        await TakeAsync(slice, report, token);
        return report;
    }

    private async Task TakeAsync(List<SourceImage> slice, ImportReport report, CancellationToken token)
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
        // A source that keeps no repositories is asked by the new name, which it doesn't look at; and people are told of that one.
        var name = repository.IsNone ? place : repository;
        images = [.. images.Select(image => image with { Repository = name })];
        foreach (var done in await new RepositoryImport(source, target, options, _claims, report).RunAsync(name, place, images, token))
        {
            if (!options.IsDry)
                NoteDone(repository, done);
        }
    }

    private bool IsDone(SourceImage image) => image.Tag.IsNone
        ? _doneUntagged.ContainsKey((image.Repository, image.Digest))
        : _doneTags.TryGetValue((image.Repository, image.Tag), out var last) && last == image.Digest;

    private void NoteDone(RepositoryName repository, SourceImage image)
    {
        if (image.Tag.IsNone)
            _doneUntagged[(repository, image.Digest)] = true;
        else
            _doneTags[(repository, image.Tag)] = image.Digest;
    }
}
