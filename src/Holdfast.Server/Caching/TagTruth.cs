using System.Collections.Concurrent;
using Holdfast.Client;
using Holdfast.Oci;
using Holdfast.Storage.Metadata;

namespace Holdfast.Server.Caching;

/// <summary>
/// Finds out where a tag points: the upstream is asked by HEAD, which costs nothing of Docker Hub's pulls, once for everyone who asks within a second. If it gives no answer, what was last
/// known holds for a while; if it says that there is no such tag, or that we may not know, then that is so.
/// </summary>
internal sealed class TagTruth(ManifestFetches manifests, FetchRoom room)
{
    private const int MaxRemembered = 20_000;

    private static readonly TimeSpan Together = TimeSpan.FromSeconds(1);

    // Staleness is counted in days; a pull each second is no reason to write each second.
    private static readonly TimeSpan WorthWriting = TimeSpan.FromMinutes(1);

    private readonly ConcurrentDictionary<TagKey, Look> _looks = new();

    /// <param name="wantsBytes">False for a HEAD: the manifest isn't fetched for it.</param>
    public Task<TagAnswer> AskAsync(Cache cache, RepositoryName repository, Tag tag, bool wantsBytes)
    {
        if (_looks.Count > MaxRemembered)
            Forget();
        var key = new TagKey(new RepositoryKey(cache.Registry.Id, repository), tag, wantsBytes);
        while (true)
        {
            if (_looks.TryGetValue(key, out var look) && !IsOver(look))
                return look.Answer.Value;
            var next = new Look();
            next.Answer = new(() => RunAsync(cache, key, next));
            if (look is null ? _looks.TryAdd(key, next) : _looks.TryUpdate(key, next, look))
                return next.Answer.Value;
        }
    }

    private bool IsOver(Look look) => look.SaidAt is { } said && room.Time.GetElapsedTime(said) >= Together;

    private void Forget()
    {
        foreach (var (key, look) in _looks)
        {
            if (IsOver(look))
                _looks.TryRemove(KeyValuePair.Create(key, look));
        }
    }

    private async Task<TagAnswer> RunAsync(Cache cache, TagKey key, Look look)
    {
        await Task.Yield();
        try
        {
            var answer = await FindAsync(cache, key, look);
            // Its bytes are here alone, and not to be kept in memory for as long as nobody asks.
            if (answer.Manifest is not null)
                _looks.TryRemove(KeyValuePair.Create(key, look));
            // For those who come from now on it is a hit.
            if (!answer.New.IsNone)
                look.Answer = new(Task.FromResult(TagAnswer.Confirmed));
            return answer;
        }
        finally
        {
            look.SaidAt ??= room.Time.GetTimestamp();
        }
    }

    private async Task<TagAnswer> FindAsync(Cache cache, TagKey key, Look look)
    {
        var known = await room.Stores.Metadata.ReadAsync(key, static (db, key) => CachedTags.Find(db, key.Repository, key.Tag), room.Stopping);
        var age = known is { } row ? TimeSpan.FromMilliseconds(room.NowMs - row.ConfirmedMs) : TimeSpan.MaxValue;
        if (known is { GoneMs: null, IsDenied: false } && IsWithin(age, cache.Options.Tags.RevalidateAfter))
            return TagAnswer.Confirmed;
        var canBeStale = known is { GoneMs: null, IsDenied: false } && age <= cache.Options.Tags.ServeStaleFor;
        var answer = await cache.Upstream.HeadManifestAsync(key.Repository.Name, key.Tag, room.Stopping, canDoWithout: canBeStale);
        // The manifest may take long to come; who asks then is not answered with where the tag was before.
        (look.SaidAt, var saidMs) = (room.Time.GetTimestamp(), room.NowMs);
        cache.Note(answer.Failure);
        return answer.TryGet(out var head, out var failure)
            ? await FollowAsync(cache, key, (head, saidMs), known, age)
            : await DecideAsync(cache, key, known, age, failure);
    }

    private async Task<TagAnswer> FollowAsync(Cache cache, TagKey key, (RemoteManifestHead Head, long AtMs) said, CachedTag? known, TimeSpan age)
    {
        var head = said.Head;
        if (known is { GoneMs: null, IsDenied: false } row && row.Digest == head.Digest && IsWithin(age, WorthWriting) && cache.Options.Tags.RevalidateAfter == TimeSpan.Zero)
            return TagAnswer.Confirmed;
        if (!head.Digest.IsNone && await TryConfirmAsync(key, head.Digest, said.AtMs))
            return TagAnswer.Confirmed;
        if (!key.WantsBytes && !head.Digest.IsNone)
        {
            manifests.Told.Note(key.Repository, key.Tag, head.Digest, room.NowMs);
            // It may have been stored before this was noted.
            return await TryConfirmAsync(key, head.Digest, said.AtMs) ? TagAnswer.Confirmed : TagAnswer.Elsewhere(head);
        }
        // By digest as everyone else who misses it, so that it is fetched once.
        var fetched = head.Digest.IsNone
            ? await manifests.FetchAsync(cache, key.Repository.Name, key.Tag, key.Tag)
            : await manifests.FetchAsync(cache, key.Repository.Name, head.Digest, default);
        if (fetched.Failure is { } failure)
        {
            if (failure.Outcome == RegistryOutcome.Unknown && !head.Digest.IsNone)
            {
                // The tag was there a moment ago: that says nothing of it.
                failure = failure with { Outcome = RegistryOutcome.Unavailable, Detail = $"it says that {key.Repository.Name}:{key.Tag} is {head.Digest}, and that it has no such manifest" };
                cache.Note(failure);
            }
            return await DecideAsync(cache, key, known, age, failure);
        }
        if (!head.Digest.IsNone && fetched.IsStored && !await TryConfirmAsync(key, head.Digest, said.AtMs))
            return TagAnswer.Unkept(fetched.Manifest!);
        return fetched.IsStored ? TagAnswer.Fetched(fetched.Manifest!.Digest) : TagAnswer.Unkept(fetched.Manifest!);
    }

    private async Task<bool> TryConfirmAsync(TagKey key, Digest digest, long saidMs)
    {
        try
        {
            return await room.Stores.Metadata.WriteAsync(
                (key, digest, saidMs, now: room.NowMs), static (db, s) => CachedTags.Confirm(db, s.key.Repository, s.key.Tag, s.digest, s.saidMs, s.now), CancellationToken.None);
        }
        catch (Exception e) when (e is IOException or System.Data.Common.DbException)
        {
            // A store that takes no writes still has what it has, if it is that.
            var known = await room.Stores.Metadata.ReadAsync(key, static (db, key) => CachedTags.Find(db, key.Repository, key.Tag), CancellationToken.None);
            return known?.Digest == digest;
        }
    }

    private async Task<TagAnswer> DecideAsync(Cache cache, TagKey key, CachedTag? known, TimeSpan age, RegistryFailure failure)
    {
        if (failure.Outcome == RegistryOutcome.Unknown)
            manifests.Told.Forget(key.Repository, key.Tag);
        if (known is not { } row)
            return TagAnswer.Failed(failure);
        switch (failure.Outcome)
        {
            case RegistryOutcome.Unknown:
                if (row.GoneMs is null)
                    await NoteAsync(key, CachedTags.NoteGone);
                return cache.Options.Tags.KeepVanished ? TagAnswer.Gone(row.GoneMs ?? room.NowMs) : TagAnswer.Failed(failure);
            case RegistryOutcome.Denied:
                if (!row.IsDenied)
                    await NoteAsync(key, CachedTags.NoteDenied);
                return TagAnswer.Failed(failure);
            default:
                // What was refused isn't allowed by an upstream that says nothing.
                if (row.IsDenied)
                    return TagAnswer.Failed(failure with { Outcome = RegistryOutcome.Denied, Detail = $"it did so when it last answered; now {failure.Detail}" });
                // Once gone, an upstream that says nothing doesn't bring it back.
                if (row.GoneMs is { } gone)
                    return cache.Options.Tags.KeepVanished ? TagAnswer.Gone(gone) : TagAnswer.Failed(failure);
                return age <= cache.Options.Tags.ServeStaleFor ? TagAnswer.Stale(age < TimeSpan.Zero ? TimeSpan.Zero : age)
                    : TagAnswer.Failed(failure with { Detail = $"{failure.Detail}; that the tag was {row.Digest} is longer ago than tags.serveStaleFor" });
        }
    }

    // Confirmed in the future, by a clock that has been set right since: nobody knows how long ago.
    private static bool IsWithin(TimeSpan age, TimeSpan span) => age >= TimeSpan.Zero && age < span;

    private async Task NoteAsync(TagKey key, Action<MetadataSession, RepositoryKey, Tag, long> note)
    {
        try
        {
            await room.Stores.Metadata.WriteAsync(
                (key, note, now: room.NowMs),
                static (db, s) =>
                {
                    s.note(db, s.key.Repository, s.key.Tag, s.now);
                    return true;
                },
                CancellationToken.None);
        }
        catch (Exception e) when (e is IOException or System.Data.Common.DbException)
        {
            // The upstream says it again the next time.
        }
    }

    private readonly record struct TagKey(RepositoryKey Repository, Tag Tag, bool WantsBytes);

    private sealed class Look
    {
        public Lazy<Task<TagAnswer>> Answer { get; set; } = null!;

        /// <summary>When the upstream said where the tag is; null: it is still to say.</summary>
        public long? SaidAt { get; set; }
    }
}

/// <summary>What is known of a tag.</summary>
internal sealed record TagAnswer
{
    /// <summary>It is where the row says.</summary>
    public static readonly TagAnswer Confirmed = new();

    /// <summary>How long ago the upstream last said so, if it doesn't answer now.</summary>
    public TimeSpan? StaleFor { get; private init; }

    /// <summary>Since when the upstream says that there is none, in Unix milliseconds, if it is served all the same.</summary>
    public long? GoneMs { get; private init; }

    /// <summary>The manifest, if it could not be stored.</summary>
    public ManifestPut? Manifest { get; private init; }

    /// <summary>What the upstream says of it, if it is not here and nobody wants its bytes.</summary>
    public RemoteManifestHead? Head { get; private init; }

    /// <summary>Why nothing is known; else null.</summary>
    public RegistryFailure? Failure { get; private init; }

    /// <summary>It was fetched for this, and is where the row says.</summary>
    public Digest New { get; private init; }

    public static TagAnswer Fetched(Digest digest) => new() { New = digest };

    public static TagAnswer Stale(TimeSpan age) => new() { StaleFor = age };

    public static TagAnswer Gone(long sinceMs) => new() { GoneMs = sinceMs };

    public static TagAnswer Unkept(ManifestPut manifest) => new() { Manifest = manifest };

    public static TagAnswer Elsewhere(RemoteManifestHead head) => new() { Head = head };

    public static TagAnswer Failed(RegistryFailure failure) => new() { Failure = failure };
}
