using Holdfast.Oci;
using Holdfast.Storage.Journal;
using Holdfast.Storage.Metadata;
using Holdfast.Testing;
using Shouldly;
using Xunit;

namespace Holdfast.Storage.Contract;

public abstract partial class MetadataDatabaseContract
{
    private const long Later = Now + 5_000;

    [Fact, Promise("P7")]
    public async Task Restore_DeletedIndex_BringsBackItsTagsAndWhatWasTakenSince()
    {
        var child = await PutImageAsync("child");
        var inner = Putting(App, "inner", Index(AsChild(child)));
        var outer = Putting(App, "outer", Index(AsChild(inner)), "a", "b");
        await PutAsync(inner);
        await PutAsync(outer);
        var tagsBefore = await DumpAsync("SELECT name, manifest_id, created_at, pushed_at FROM tags ORDER BY name");
        await DeleteAsync(outer, "first", Later);
        // The collection takes what the index has held, and a client the blobs.
        await DeleteAsync(inner, "second", Later);
        await DeleteAsync(child, "third", Later);
        foreach (var blob in child.Manifest.Layers.Append(child.Manifest.Config!))
            (await ChangeAsync(session => BlobLinks.Remove(session, App, blob.Digest, As("fourth"), Later))).Outcome.ShouldBe(DeleteOutcome.Deleted);

        var restored = await RestoreAsync(new TrashFilter { Operation = "first" });

        restored.ShouldAllBe(thing => thing.Outcome == RestoreOutcome.Restored);
        restored.Select(thing => thing.Tag?.ToString() ?? thing.Digest.ToString()).ShouldBe(
            [.. restored.Take(2).Select(link => link.Digest.ToString()), child.Digest.ToString(), inner.Digest.ToString(), outer.Digest.ToString(), "a", "b"]);
        (await DumpAsync("SELECT name, manifest_id, created_at, pushed_at FROM tags ORDER BY name")).ShouldBe(tagsBefore);
        (await CountAsync("trash")).ShouldBe(0);
        (await DumpAsync("SELECT 1 FROM manifests WHERE trashed_at IS NOT NULL UNION ALL SELECT 2 FROM links WHERE trashed_at IS NOT NULL")).ShouldBeEmpty();
        (await DumpAsync("SELECT COUNT(*) FROM manifests WHERE untagged_at IS NULL")).ShouldBe(["1"]);
    }

    [Fact, Promise("P7")]
    public async Task Restore_Tag_BringsBackTheManifestThatAnotherDeleteTook()
    {
        var image = await PutImageAsync("image", App, "v1");
        await ChangeAsync(session => Tags.Delete(session, App, Tag.Parse("v1"), As("first"), Later));
        await ChangeAsync(session => Manifests.Delete(session, App, image.Digest, As("second"), Later));
        await RestoreAsync(new TrashFilter { Tag = Tag.Parse("v1") });
        (await QueryAsync(session => Manifests.Find(session, App, Tag.Parse("v1"))))!.Digest.ShouldBe(image.Digest);
        (await CountAsync("trash")).ShouldBe(0);
    }

    [Fact, Promise("P7")]
    public async Task Restore_TagThatMovedOn_ChangesNothingUnlessToldWhatToDo()
    {
        var (old, present) = (await PutImageAsync("old", App, "v1"), Putting(App, "present", Image(null), "v1"));
        await DeleteAsync(old, "first", Later);
        await PutAsync(present, Later);
        var filter = new TrashFilter { Tag = Tag.Parse("v1") };

        var refused = (await RestoreAsync(filter)).ShouldHaveSingleItem();
        refused.Outcome.ShouldBe(RestoreOutcome.TagMoved);
        refused.Present.ShouldBe(present.Digest);
        (await CountAsync("trash")).ShouldBe(2);
        (await QueryAsync(session => Manifests.Find(session, App, old.Digest))).ShouldBeNull();

        await RestoreAsync(filter, new RestoreTerms(Replacing: As("second")));
        (await QueryAsync(session => Manifests.Find(session, App, Tag.Parse("v1"))))!.Digest.ShouldBe(old.Digest);

        // What was replaced can be put back in turn.
        await RestoreAsync(new TrashFilter { Operation = "second" }, new RestoreTerms(Replacing: As("third")));
        (await QueryAsync(session => Manifests.Find(session, App, Tag.Parse("v1"))))!.Digest.ShouldBe(present.Digest);
    }

    [Fact, Promise("P7")]
    public async Task Restore_ToAnotherTag_LeavesTheOneThatMovedOn()
    {
        var (old, present) = (await PutImageAsync("old", App, "v1"), Putting(App, "present", Image(null), "v1"));
        await DeleteAsync(old, "first", Later);
        await PutAsync(present, Later);
        await RestoreAsync(new TrashFilter { Operation = "first" }, new RestoreTerms(To: Tag.Parse("v1-old")));
        (await QueryAsync(session => Manifests.Find(session, App, Tag.Parse("v1"))))!.Digest.ShouldBe(present.Digest);
        (await QueryAsync(session => Manifests.Find(session, App, Tag.Parse("v1-old"))))!.Digest.ShouldBe(old.Digest);
        (await CountAsync("trash")).ShouldBe(0);
    }

    [Fact, Promise("P7")]
    public async Task Restore_TagThatIsThereAgain_EndsItsRow()
    {
        var image = await PutImageAsync("image", App, "v1");
        await ChangeAsync(session => Tags.Delete(session, App, Tag.Parse("v1"), ByClient, Later));
        await PutAsync(image, Later);
        var ids = await QueryAsync(session => Trash.ListIds(session, new TrashFilter()));
        (await RestoreAsync(new TrashFilter())).ShouldHaveSingleItem().Outcome.ShouldBe(RestoreOutcome.AlreadyThere);
        (await CountAsync("trash")).ShouldBe(0);
        (await ChangeAsync(session => TrashRestore.Apply(session, ids, new RestoreTerms(), Later))).ShouldHaveSingleItem().Outcome.ShouldBe(RestoreOutcome.Unknown);
    }

    [Fact, Promise("P7")]
    public async Task Restore_TwoDeletesOfOneTag_TheLaterWins()
    {
        var (first, second) = (await PutImageAsync("first", App, "v1"), Putting(App, "second", Image(null), "v1"));
        await ChangeAsync(session => Tags.Delete(session, App, Tag.Parse("v1"), As("first"), Now));
        await PutAsync(second, Later);
        await ChangeAsync(session => Tags.Delete(session, App, Tag.Parse("v1"), As("second"), Later));
        var restored = await RestoreAsync(new TrashFilter { Tag = Tag.Parse("v1") }, new RestoreTerms(Replacing: As("third")));
        restored.Select(thing => thing.Outcome).ShouldBe([RestoreOutcome.Restored, RestoreOutcome.TagMoved]);
        (await QueryAsync(session => Manifests.Find(session, App, Tag.Parse("v1"))))!.Digest.ShouldBe(second.Digest);
        first.Digest.ShouldNotBe(second.Digest);
    }

    [Fact, Promise("P7")]
    public async Task Restore_Anything_IsWrittenIntoTheJournal()
    {
        var image = await PutImageAsync("image", App, "v1");
        await DeleteAsync(image, "first", Later);
        await ChangeAsync(session => BlobLinks.Remove(session, App, image.Manifest.Layers[0].Digest, As("second"), Later));
        var events = await ChangeAsync(session =>
        {
            TrashRestore.Apply(session, Trash.ListIds(session, new TrashFilter { Operation = "first" }), new RestoreTerms(), Later);
            return session.TakeEvents();
        });
        events.Select(done => (done.Operation, done.Digest, done.Tag.ToString())).ShouldBe(
            [
                (JournalOperation.RestoreLink, image.Manifest.Layers[0].Digest, ""),
                (JournalOperation.RestoreManifest, image.Digest, ""),
                (JournalOperation.RestoreTag, image.Digest, "v1"),
            ]);
        events[^1].Deletion!.Operation.ShouldBe("first");
    }

    [Fact, Promise("P7")]
    public async Task Plan_OfARestore_SaysTheSameAndChangesNothing()
    {
        var image = await PutImageAsync("image", App, "v1", "v2");
        await DeleteAsync(image, "first", Later);
        await PutAsync(Putting(App, "present", Image(null), "v1"), Later);
        var ids = await QueryAsync(session => Trash.ListIds(session, new TrashFilter()));
        var planned = await QueryAsync(session => TrashRestore.Plan(session, ids, new RestoreTerms()));
        (await CountAsync("trash")).ShouldBe(3);
        (await RestoreAsync(new TrashFilter())).ShouldBe(planned);
        planned.Select(thing => thing.Outcome).ShouldBe([RestoreOutcome.Restored, RestoreOutcome.TagMoved, RestoreOutcome.Restored]);
    }

    [Fact, Promise("P3")]
    public async Task Purge_WhatSomethingInTheTrashNeeds_IsHeldUntilThatIsPurged()
    {
        var child = await PutImageAsync("child");
        var index = Putting(App, "index", Index(AsChild(child)), "v1");
        await PutAsync(index);
        await DeleteAsync(index, "first", Now);
        await DeleteAsync(child, "second", Now);
        await ChangeAsync(session => BlobLinks.Remove(session, App, child.Manifest.Layers[0].Digest, As("third"), Now));
        var oldestFirst = (await QueryAsync(session => Trash.ListIds(session, new TrashFilter()))).Reverse().ToList();

        (await PurgeAsync(oldestFirst[2])).ShouldBe(PurgeOutcome.Held, "the index lists the child");
        (await PurgeAsync(oldestFirst[1])).ShouldBe(PurgeOutcome.Held, "the tag points at the index");
        foreach (var id in oldestFirst)
            (await PurgeAsync(id)).ShouldBe(PurgeOutcome.Purged);
        (await PurgeAsync(oldestFirst[0])).ShouldBe(PurgeOutcome.Gone);

        (await CountAsync("manifests")).ShouldBe(0);
        (await CountAsync("trash")).ShouldBe(0);
        (await CountAsync("link_reviews")).ShouldBe(2);
        (await CountAsync("blob_reviews")).ShouldBe(2);
    }

    [Fact, Promise("P7")]
    public async Task Restore_ManifestWhoseLinkAgedOutBeforeIt_ShowsTheLink()
    {
        var image = await PutImageAsync("image", App, "v1");
        var layer = image.Manifest.Layers[0].Digest;
        await DeleteAsync(image, "first", Now);
        await ChangeAsync(session => BlobLinks.Remove(session, App, layer, As("second"), Now));
        (await PurgeAsync((await QueryAsync(session => Trash.ListIds(session, new TrashFilter { Operation = "second" }))).Single())).ShouldBe(PurgeOutcome.Purged);
        await RestoreAsync(new TrashFilter { Operation = "first" });
        (await QueryAsync(session => BlobLinks.Find(session, App, layer))).ShouldNotBeNull();
    }

    [Fact, Promise("P3")]
    public async Task Purge_OfOneRepository_LeavesTheBytesThatAnotherNeeds()
    {
        var image = Putting(App, "same", Image(null));
        await PutAsync(image);
        await PutAsync(image with { Repository = Other });
        await DeleteAsync(image, "first", Now);
        await PurgeAsync((await QueryAsync(session => Trash.ListIds(session, new TrashFilter()))).Single());
        (await QueryAsync(session => Manifests.ReadPayload(session, image.Digest))).ShouldBe(image.Payload.ToArray());
        (await QueryAsync(session => Manifests.Find(session, Other, image.Digest))).ShouldNotBeNull();
    }

    [Fact]
    public async Task List_Filtered_FindsWhatIsMeant()
    {
        var (one, two) = (await PutImageAsync("one", App, "v1"), await PutImageAsync("two", Other, "v1"));
        await ChangeAsync(session => Manifests.Delete(session, App, one.Digest, new Deletion("first", DeletionCause.Retention, "retention", "run-7"), Now));
        await DeleteAsync(two, "second", Later);

        (await ListAsync(new TrashFilter())).Count.ShouldBe(4);
        (await ListAsync(new TrashFilter { Run = "run-7" })).ShouldAllBe(item => item.Deletion.Operation == "first");
        (await ListAsync(new TrashFilter { Cause = DeletionCause.Client })).Count.ShouldBe(2);
        (await ListAsync(new TrashFilter { SinceMs = Later })).ShouldAllBe(item => item.Repository == Other);
        (await ListAsync(new TrashFilter { UntilMs = Later })).ShouldAllBe(item => item.Repository == App);
        (await ListAsync(new TrashFilter { Digest = one.Digest })).Count.ShouldBe(2);
        (await ListAsync(new TrashFilter { Registry = "private", Tag = Tag.Parse("v1") })).Count.ShouldBe(2);
        (await ListAsync(new TrashFilter { Registry = "other" })).ShouldBeEmpty();
        foreach (var (pattern, count) in new[] { ("team/app", 2), ("team/*", 4), ("team/**", 4), ("**", 4), ("*", 0), ("te**", 4), ("team", 0), ("team/ap*", 2) })
            (await ListAsync(new TrashFilter { Repositories = RepositoryFilter.Parse(pattern)! })).Count.ShouldBe(count, pattern);
        foreach (var wrong in new[] { "te*m/app", "team/***", "Team", "" })
            RepositoryFilter.Parse(wrong).ShouldBeNull(wrong);
    }

    [Fact]
    public async Task List_Paged_GivesEveryItemOnceNewestFirst()
    {
        foreach (var name in new[] { "a", "b", "c" })
            await DeleteAsync(await PutImageAsync(name, App, name), name, Now);
        var all = await ListAsync(new TrashFilter());
        all.Select(item => item.Id).ShouldBeInOrder(SortDirection.Descending);
        all[0].SizeBytes.ShouldBe("config of c".Length + "layer of c".Length + "image c".Length);
        var first = await QueryAsync(session => Trash.List(session, new TrashFilter(), long.MaxValue, 4));
        first.HasMore.ShouldBeTrue();
        var rest = await QueryAsync(session => Trash.List(session, new TrashFilter(), first.Items[^1].Id, 4));
        rest.HasMore.ShouldBeFalse();
        first.Items.Concat(rest.Items).ShouldBe(all);
    }

    [Fact]
    public async Task Measure_CountsOnlyBytesThatNothingLiveNeeds()
    {
        var shared = await LinkAsync("shared layer");
        var (stays, goes) = (Putting(App, "stays", Image(shared)), Putting(App, "goes away", Image(shared, await LinkAsync("own"))));
        await PutAsync(stays);
        await PutAsync(goes);
        (await QueryAsync(Trash.Measure)).ShouldBe(new TrashFigures(0, 0));
        await DeleteAsync(goes, "first", Now);
        (await QueryAsync(Trash.Measure)).ShouldBe(new TrashFigures(1, "own".Length + "goes away".Length));
        await DeleteAsync(stays, "second", Now);
        (await QueryAsync(Trash.Measure)).ShouldBe(new TrashFigures(2, "own".Length + "goes away".Length + "stays".Length + "shared layer".Length));
    }

    [Theory, Promise("P7")]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    public async Task Restore_AnyDeletesInAnyOrder_IsAsBefore(int seed)
    {
        var random = new Random(seed);
        for (var i = 0; i < 8; i++)
            await LinkAsync($"blob {i}");
        var puts = new List<ManifestPut>();
        for (var i = 0; i < 30; i++)
        {
            puts.Add(AnyPut(random, puts));
            await PutAsync(puts[^1], Now + i);
        }
        const string Visible = """
            SELECT name, manifest_id, created_at || ' ' || pushed_at FROM tags
            UNION ALL SELECT 'manifest', id, '' FROM manifests WHERE trashed_at IS NULL
            UNION ALL SELECT 'link', blob_id, '' FROM links WHERE trashed_at IS NULL
            ORDER BY 1, 2, 3
            """;
        var before = await DumpAsync(Visible);
        for (var i = 0; i < 40; i++)
        {
            var (deletion, at) = (As($"step {i}"), Later + i);
            var (blob, put, tag) = (Content($"blob {random.Next(8)}").Digest, puts[random.Next(puts.Count)].Digest, Tag.Parse($"tag-{random.Next(6)}"));
            await ChangeAsync(session => (i % 3) switch
            {
                0 => BlobLinks.Remove(session, App, blob, deletion, at).Outcome == DeleteOutcome.Deleted,
                1 => Tags.Delete(session, App, tag, deletion, at),
                _ => Manifests.Delete(session, App, put, deletion, at).Outcome == DeleteOutcome.Deleted,
            });
        }
        (await DumpAsync(Visible)).ShouldNotBe(before);

        var operations = (await ListAsync(new TrashFilter())).Select(item => item.Deletion.Operation).Distinct().ToArray();
        random.Shuffle(operations);
        foreach (var operation in operations)
        {
            await RestoreAsync(new TrashFilter { Operation = operation });
            await ShouldBeWholeAsync($"seed {seed}, {operation}");
        }

        (await DumpAsync(Visible)).ShouldBe(before);
        (await CountAsync("trash")).ShouldBe(0);
    }

    /// <summary>What is live needs nothing that is in the trash.</summary>
    private async Task ShouldBeWholeAsync(string message) => (await DumpAsync("""
        SELECT 'child', c.child_id FROM manifest_children c
        JOIN manifests p ON p.id = c.manifest_id AND p.trashed_at IS NULL
        JOIN manifests m ON m.id = c.child_id AND m.trashed_at IS NOT NULL
        UNION ALL SELECT 'blob', l.blob_id FROM manifest_blobs e
        JOIN manifests p ON p.id = e.manifest_id AND p.trashed_at IS NULL
        JOIN links l ON l.repository_id = e.repository_id AND l.blob_id = e.blob_id AND l.trashed_at IS NOT NULL
        UNION ALL SELECT 'tag', t.manifest_id FROM tags t JOIN manifests m ON m.id = t.manifest_id AND m.trashed_at IS NOT NULL
        """)).ShouldBeEmpty(message);

    private static Deletion As(string operation) => ByClient with { Operation = operation };

    private async Task DeleteAsync(ManifestPut put, string operation, long nowMs) =>
        (await ChangeAsync(session => Manifests.Delete(session, put.Repository, put.Digest, As(operation), nowMs))).Outcome.ShouldBe(DeleteOutcome.Deleted);

    private Task<IReadOnlyList<RestoredThing>> RestoreAsync(TrashFilter filter, RestoreTerms? terms = null) =>
        ChangeAsync(session => TrashRestore.Apply(session, Trash.ListIds(session, filter), terms ?? new RestoreTerms(), Later));

    private Task<PurgeOutcome> PurgeAsync(long id) => ChangeAsync(session => Purges.Purge(session, id, Later).Outcome);

    private async Task<IReadOnlyList<TrashItem>> ListAsync(TrashFilter filter) =>
        (await QueryAsync(session => Trash.List(session, filter, long.MaxValue, 100))).Items;

    /// <summary>The rows of a query, their columns joined by blanks.</summary>
    private Task<List<string>> DumpAsync(string sql) => QueryAsync(session =>
    {
        using var command = session.Connection.CreateCommand();
        command.CommandText = sql;
        using var reader = command.ExecuteReader();
        var lines = new List<string>();
        while (reader.Read())
            lines.Add(string.Join(' ', Enumerable.Range(0, reader.FieldCount).Select(reader.GetValue)));
        return lines;
    });
}
