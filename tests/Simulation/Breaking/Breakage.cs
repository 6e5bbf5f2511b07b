namespace Simulation.Breaking;

/// <summary>One deliberate mistake in a copy of the code, to show that the simulation can fail.</summary>
/// <param name="File">From the repository's root.</param>
/// <param name="Old">Stands in the file once.</param>
internal sealed record Breakage(string Name, string File, string Old, string New)
{
    private const string Storage = "src/Holdfast.Storage/";
    private const string Metadata = Storage + "Metadata/";
    private const string Collection = "src/Holdfast.Server/Collection/";
    private const string Retention = "src/Holdfast.Server/Retention/";
    private const string Caching = "src/Holdfast.Server/Caching/";
    private const string Heal = "src/Holdfast.Server/Heal/";
    private const string Journal = Storage + "Journal/";

    public static IReadOnlyList<Breakage> All { get; } =
    [
        new("no digest lock in BlobPush", Storage + "Acceptance/BlobPush.cs",
            "        using var holder = await stores.Locks.EnterAsync(digest, CancellationToken.None);\n", ""),
        new("no digest lock in ManifestPush", Storage + "Acceptance/ManifestPush.cs",
            "        using var holder = await stores.Locks.EnterAsync(put.Digest, cancellationToken);\n", ""),
        new("no digest lock in the collection", Collection + "BlobRemoval.cs",
            "                if (stores.Locks.TryEnter(blob.Digest) is not { } holder)\n                    continue;\n                holders.Add(holder);\n", ""),
        new("the removal of a blob doesn't look again", Metadata + "BlobReviews.cs", "if (IsHeld(session, blob.Id))", "if (blob.Id < 0)"),
        new("a lease counts for nothing", Metadata + "LinkReviews.cs", "lease is { } taken && times.LeaseEndMs(taken) > times.NowMs", "lease < 0"),
        new("reviews by the clock of the pass's start", Collection + "Collector.cs",
            "Now = () => TimesOf(run).Reviews,", "Now = TimesOf(run).Reviews is var start ? () => start : null!,"),
        new("a manifest's review doesn't ask for tags", Metadata + "ManifestReviews.cs",
            "EXISTS (SELECT 1 FROM tags t WHERE t.manifest_id = m.id)\n          OR (m.subject", "(m.subject"),
        new("a push doesn't end the manifest's review", Metadata + "Manifests.cs", "        Reviews.ForgetManifest(session, manifestId);\n", ""),
        new("the clock alone tells what was pushed after a delete", Metadata + "Manifests.cs", "        NotePushedAfterDeletes(session, manifestId, nowMs);\n", ""),
        new("what was pushed after a delete is taken along", Metadata + "Reviews.cs", " AND m.pushed_at <= @pushed", ""),
        new("the purge of an index reviews its children once more", Metadata + "Purges.cs",
            "        Reviews.QueueLinksOf(session, row.ManifestId, nowMs);\n",
            "        Reviews.QueueLinksOf(session, row.ManifestId, nowMs);\n        Reviews.QueueChildrenOf(session, row.ManifestId, null, nowMs);\n"),
        new("a link's end doesn't review its blob", Metadata + "LinkReviews.cs", "        Reviews.QueueBlob(session, blob, times.NowMs);\n", ""),
        new("manifests may be deleted from under an index", Metadata + "Manifests.cs",
            "        if (count > 0)\n            return DeleteResult.HeldBy", "        if (count > 1000)\n            return DeleteResult.HeldBy"),
        new("blobs may be deleted from under a manifest", Metadata + "BlobLinks.cs", "        if (count == 0)\n", "        if (count >= 0)\n"),
        new("a restore leaves the children in the trash", Metadata + "RestorePlan.cs",
            "            foreach (var child in ChildrenOf(id))\n                queue.Enqueue(child);\n", ""),
        new("a manifest is taken over missing bytes", Storage + "Acceptance/ManifestPush.cs",
            "await stores.Blobs.FindSizeAsync(blob.Digest, cancellationToken) != blob.SizeBytes", "blob.SizeBytes < 0"),
        new("bytes are trusted whatever their stamp", "src/Holdfast.Server/Http/BlobVerifier.cs",
            "reader.Stamp != blob.Stamp || blob.VerifiedAtMs == 0", "blob.VerifiedAtMs == 0"),
        new("wrong bytes are taken away without another look", "src/Holdfast.Server/Http/BlobVerifier.cs",
            "is not { } status || status.Stamp != stamp", "is null"),
        new("the journal doesn't tell of restored tags", Metadata + "TrashRestore.cs",
            "        session.Record(new JournalEvent(JournalOperation.RestoreTag, ", "        _ = (new JournalEvent(JournalOperation.RestoreTag, "),
        new("a start leaves unknown uploads", Storage + "StartupCleanup.cs",
            "                await blobs.RemoveUploadAsync(upload.Upload, cancellationToken);\n                unknown++;", "                unknown++;"),
        new("the store doesn't sync folders", "tests/Simulation/Disk/SimulatedWriter.cs", "                Disk.SyncFolder(expected);\n", "                _stamp = 0;\n"),
        new("the store doesn't sync bytes", "tests/Simulation/Disk/SimulatedWriter.cs", "                _file.Synced = _file.Bytes;\n", ""),
        new("retention keeps one less of the newest", Retention + "RetentionDecision.cs", "if (rank <= options.KeepNewest)", "if (rank < options.KeepNewest)"),
        new("retention takes tags that are always kept", Retention + "RetentionDecision.cs", "pattern.Matches(tag.Name)", "pattern.Matches(\"not-\" + tag.Name)"),
        new("the times of pulls are not written down", Metadata + "Pulls.cs", "AND pulled_at < @now", "AND pulled_at > @now"),
        new("retention takes parts of images", Metadata + "RepositoryRoots.cs", "!manifest.HasSubject && ", ""),
        new("retention deletes without a way back", Metadata + "Purges.cs", "WHERE deleted_at <= @due AND", "WHERE (deleted_at <= @due OR cause = 2) AND"),
        new("a purge takes what is there again", Metadata + "Purges.cs", "              m.trashed_at IS NULL\n", "              m.trashed_at < 0\n"),
        new("a purge takes what another delete needs", Metadata + "Purges.cs",
            "\n              OR EXISTS (SELECT 1 FROM trash t WHERE t.manifest_id = m.id AND t.id <> @trash))", ")"),
        new("donors are not asked", Heal + "Healer.cs", "?? await source.FetchAsync(blob, cancellationToken)", "?? HealAttempt.Failed(\"\")"),
        new("a donor's bytes are put over what is there", Heal + "BytesSource.cs",
            "        if (await IsSettledAsync(wanted.Digest) is { } settled)\n", "        if (await IsSettledAsync(wanted.Digest) is { Length: > 100 } settled)\n"),
        new("the database commits before the journal is written", Storage + "Sqlite/BatchCommit.cs",
            "            isWritten = WriteJournal(_session);\n            _session.Prepare(\"COMMIT\").Execute();\n",
            "            _session.Prepare(\"COMMIT\").Execute();\n            isWritten = WriteJournal(_session);\n"),
        new("what the database did not commit stays in the journal", Storage + "Sqlite/BatchCommit.cs", "_journal!.TakeBack();", "_journal!.Forget();"),
        new("the journal isn't synced", Journal + "JournalWriter.cs", "            _file!.Write(_buffer.Bytes, _length);\n            _file.Sync();\n", "            _file!.Write(_buffer.Bytes, _length);\n"),
        new("the names of the journal's files aren't synced", Journal + "JournalWriter.cs", "            _files.Sync();\n", ""),
        new("a half-written record is not cut off", Journal + "JournalWriter.cs", "            CutBack();\n            throw;", "            throw;"),
        new("the journal goes on where it could not be cut", Journal + "JournalWriter.cs", "            _closedBecause = ", "            _ = "),
        new("a start believes of the journal what nobody synced", Journal + "JournalFiles.cs", "        file.Sync();\n        Sync();\n", ""),
        new("an adopted file isn't synced", "src/Holdfast.Server/Scrub/UnknownFiles.cs", "            await stores.Blobs.SyncAsync(blob.Digest, cancellationToken);\n", "            isRight = true;\n"),
        new("the replay leaves out a change", Journal + "JournalScan.cs", "change.Sequence > Math.Max(after, SnapshotSequence))\n                    yield", "change.Sequence > Math.Max(after + 1, SnapshotSequence))\n                    yield"),
        new("a fetch holds back nothing", Caching + "FetchedBytes.cs", "(_size ?? _received) - HoldBytes", "_received"),
        new("a fetch's hash isn't compared", Caching + "BlobFetch.cs", "await _writer.MatchesAsync(_digest, CancellationToken.None)", "_bytes.ReceivedBytes >= 0"),
        new("a fetch of what the disk has no room for isn't compared", Caching + "BlobFetch.cs", ".Current() == _digest", ".Current() != default"),
        new("the end of a part isn't held back", Caching + "FetchedBytes.cs", "Math.Min(whole, end - HoldBytes)", "Math.Min(_received, end)"),
        new("eviction takes what is pinned", Caching + "Eviction.cs", "pins?.Hold(image.Repository.Name, tags) == true", "pins is null && tags.Count < 0"),
        new("eviction believes the tags that it has listed", Metadata + "CacheEviction.cs", "isPinned is not null && isPinned(", "isPinned is null && image.Tags.Equals("),
        new("eviction takes a blob from every repository", Metadata + "CacheEviction.cs", "DELETE FROM links WHERE repository_id = @repository AND blob_id", "DELETE FROM links WHERE repository_id <> -@repository AND blob_id"),
        new("eviction takes what another image needs", Metadata + "CacheEviction.cs",
            "WHERE b.digest = @digest AND NOT EXISTS (", "WHERE b.digest = @digest AND -1 NOT IN ("),
        new("eviction reckons instead of measuring", Caching + "Eviction.cs", "            size = await MeasureAsync(registry, cancellationToken);\n        }", "        }"),
        new("blobs that an index lists count as loose", Metadata + "CachedManifests.cs", ".Concat(listed)", ""),
        new("a tag is served stale for ever", Caching + "TagTruth.cs", "age <= cache.Options.Tags.ServeStaleFor ?", "age <= TimeSpan.MaxValue ?"),
        new("a tag's answer is kept for an hour", Caching + "TagTruth.cs", "Together = TimeSpan.FromSeconds(1)", "Together = TimeSpan.FromHours(1)"),
        new("a tag that is gone upstream is served all the same", Caching + "TagTruth.cs",
            "return cache.Options.Tags.KeepVanished ? TagAnswer.Gone(row.GoneMs ?? room.NowMs)", "return true ? TagAnswer.Gone(row.GoneMs ?? room.NowMs)"),
        new("a mirror's word that there is nothing counts", "src/Holdfast.Client/Upstream/Inquiry.cs", "var verdict = _verdicts[^1]!;", "var verdict = _verdicts[0]!;"),
        new("a fetch is committed without the digest's lock", Caching + "BlobFetch.cs",
            "        using var holder = await _room.Stores.Locks.EnterAsync(_digest, CancellationToken.None);\n", ""),
        new("a fetch leaves its upload", Caching + "BlobFetch.cs", "            await _room.RemoveUploadAsync(_writer.Upload);\n", ""),
        new("a fetch that nobody can join any more stays among those that run", Caching + "BlobFetches.cs", "        await fetch.RunAsync();\n        _running.TryRemove(KeyValuePair.Create(key, fetch));\n", "        await fetch.RunAsync();\n"),
    ];
}
