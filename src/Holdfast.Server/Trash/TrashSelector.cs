using Holdfast.Oci;
using Holdfast.Server.Http;
using Holdfast.Storage.Metadata;

namespace Holdfast.Server.Trash;

/// <summary>Reads what a request says of the things that it means, and finds them.</summary>
internal sealed class TrashSelector(MetadataDatabase metadata, TimeProvider time)
{
    // Newest first, so that what is looked for is among the first; more of one tag or digest than this are of one registry for sure, or named by it.
    private const int MaxLooked = 200;

    /// <exception cref="AdminException">A value can't be what it is meant to be.</exception>
    public static TrashSelection Read(AdminRequest request) => new()
    {
        Id = Number(request, "id"),
        Operation = request.Query("operation"),
        Registry = request.Query("registry"),
        Repository = request.Query("repository"),
        Tag = request.Query("tag"),
        Digest = request.Query("digest"),
        Since = request.Query("since"),
        Until = request.Query("until"),
        Run = request.Query("run"),
        Cause = request.Query("cause") is { } cause ? ParseCause(cause) : null,
    };

    /// <exception cref="AdminException">It isn't a number.</exception>
    public static long? Number(AdminRequest request, string name) => request.Query(name) switch
    {
        null => null,
        var text when long.TryParse(text, out var number) && number > 0 => number,
        var text => throw Invalid($"{name}: '{text}' is not a number from 1 on"),
    };

    /// <exception cref="AdminException">A value can't be what it is meant to be.</exception>
    public async ValueTask<TrashFilter> ParseAsync(TrashSelection selection, CancellationToken token)
    {
        var filter = new TrashFilter
        {
            Id = selection.Id is null or > 0 ? selection.Id : throw Invalid($"id: '{selection.Id}' is not a number from 1 on"),
            Operation = Filled(selection.Operation, "operation"),
            Registry = selection.Registry,
            Repositories = Repositories(selection.Repository),
            Tag = selection.Tag is null ? null : ParseTag(selection.Tag, "tag"),
            Digest = selection.Digest is null ? null : ParseDigest(selection.Digest),
            SinceMs = Time(selection.Since, "since"),
            UntilMs = Time(selection.Until, "until"),
            Run = Filled(selection.Run, "run"),
            Cause = selection.Cause,
        };
        if (filter.SinceMs >= filter.UntilMs)
            throw Invalid("since is not before until, so that nothing can lie between");
        if (filter.Registry is { } name)
        {
            var known = (await metadata.ReadAsync(0, static (db, _) => Registries.List(db), token)).Values;
            if (!known.Contains(name, StringComparer.Ordinal))
                throw Invalid($"registry: there is no '{name}'; there is {string.Join(", ", known.Order(StringComparer.Ordinal))}");
        }
        return filter;
    }

    /// <summary>The rows that are meant, the newest first.</summary>
    /// <exception cref="AdminException">There are none, or it isn't clear which is meant.</exception>
    public async ValueTask<IReadOnlyList<long>> FindAsync(TrashFilter filter, bool latest, bool mayBeNone, CancellationToken token)
    {
        var ids = latest
            ? await FindLatestAsync(filter, token)
            : await metadata.ReadAsync(filter, static (db, filter) => Storage.Metadata.Trash.ListIds(db, filter), token);
        return ids.Count > 0 || mayBeNone ? ids : throw new AdminException(
            Outcome.AdminNotFound,
            "nothing in the trash is what you name: it was never deleted, was restored already, or is gone for good; `holdfast trash list` shows what is there");
    }

    /// <exception cref="AdminException">It isn't a tag.</exception>
    public static Tag ParseTag(string text, string name) => Tag.TryParse(text, out var tag)
        ? tag
        : throw Invalid($"{name}: '{text}' is not a tag: at most {Tag.MaxLength} letters, digits, '_', '.' and '-', of which the last two don't come first");

    public static AdminException Invalid(string message) => new(Outcome.AdminInvalid, message);

    private async ValueTask<IReadOnlyList<long>> FindLatestAsync(TrashFilter filter, CancellationToken token)
    {
        if (filter.Tag is null && filter.Digest is null)
            throw Invalid("latest: of what? give a tag or a digest with it");
        var page = await metadata.ReadAsync(filter, static (db, filter) => Storage.Metadata.Trash.List(db, filter, long.MaxValue, MaxLooked), token);
        // By its digest a manifest or blob is meant, not the tags that once pointed at it.
        var meant = filter.Tag is null ? page.Items.Where(item => item.Kind != TrashKind.Tag).ToList() : page.Items;
        if (meant.Count == 0 && page.Items is [{ Tag: { } tag } first, ..])
        {
            throw new AdminException(
                Outcome.AdminNotFound,
                $"{first.Repository.Name}@{first.Digest} itself is not in the trash, but tags that pointed at it are: restore {first.Repository.Name}:{tag}");
        }
        var registries = meant.Select(item => item.Registry).Distinct(StringComparer.Ordinal).ToList();
        return registries.Count > 1
            ? throw new AdminException(Outcome.AdminConflict, $"the registries {string.Join(" and ", registries)} have such a thing in the trash; name one (--registry)")
            : [.. meant.Take(1).Select(item => item.Id)];
    }

    private long? Time(string? text, string name) => text is null
        ? null
        : Moment.Parse(text, time.GetUtcNow())
            ?? throw Invalid($"{name}: '{text}' is neither {Moment.Forms}");

    private static RepositoryFilter Repositories(string? text) => text is null
        ? RepositoryFilter.All
        : RepositoryFilter.Parse(text)
            ?? throw Invalid($"repository: '{text}' is neither a repository's name nor the beginning of one with a wildcard at its end (team/*, team/**)");

    // A script's variable that was never set must not mean everything.
    private static string? Filled(string? text, string name) => text is not "" ? text : throw Invalid($"{name}: it is empty; leave it out, or give the id that the list shows");

    private static Digest ParseDigest(string text) => Digest.TryParse(text, out var digest)
        ? digest
        : throw Invalid($"digest: '{text}' is not one: sha256: and 64, or sha512: and 128, lower-case hex digits");

    private static DeletionCause ParseCause(string text) => text switch
    {
        "client" => DeletionCause.Client,
        "retention" => DeletionCause.Retention,
        "collection" => DeletionCause.Collection,
        _ => throw Invalid($"cause: '{text}' is not client, retention or collection"),
    };
}
