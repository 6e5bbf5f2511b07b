using System.Collections.Concurrent;
using System.Globalization;
using Holdfast.Bench.Data;
using Holdfast.Bench.Http;

namespace Holdfast.Bench.Loops;

/// <summary>Makes many tags, repositories or referrers, and asks for pages of them.</summary>
internal sealed class ListPreparation(Stand stand, BenchPlan plan, Halt halt)
{
    private const int PageEntries = 100;
    private const int PageRequests = 512;

    // More fit into a request line of 8 KiB, but servers may limit the number; the answer tells.
    private const int TagsAtOnce = 100;
    private const int TagsAtOnceAtLeast = 10;

    private readonly Target _target = stand.Target;
    private readonly Names _names = stand.Names;
    private readonly ConcurrentDictionary<string, byte> _put = new(StringComparer.Ordinal);
    private readonly ImagePush _push = new(stand.Target, Upload.Put) { AsksFirst = true };

    public async Task<ReadPlan> ReadsAsync(Workload workload, CancellationToken token)
    {
        switch (workload)
        {
            case Workload.Tags:
                await _target.Grants.AskAsync(Deed.Push, [_names.TagsRepository], token);
                await FillTagsAsync();
                await _target.Grants.AskAsync(Deed.Pull, [_names.TagsRepository], token);
                return await PagesAsync(Deed.Pull, _names.TagsRepository, $"/v2/{_names.TagsRepository}/tags/list", Names.EntryPrefix);
            case Workload.Catalog:
                // One repository's token would not do for the next; asked for here, as each is made.
                await _target.Grants.AskAsync(Deed.Push, Enumerable.Range(0, plan.Entries).Select(number => Names.Entry(_names.CatalogPrefix, number)), token);
                await _target.Grants.AskAsync(Deed.List, [""], token);
                await FillCatalogAsync();
                return await PagesAsync(Deed.List, "", "/v2/_catalog", _names.CatalogPrefix);
            default:
                return await ReferrersAsync(token);
        }
    }

    private async Task FillCatalogAsync()
    {
        var last = plan.Entries - 1;
        var (isThere, needsBlob) = (false, false);
        await stand.AloneAsync(halt, connection =>
        {
            isThere = IsThere(connection, NameOf(last), "latest");
            if (isThere)
                return;
            // docker-registry lists only repositories that had a blob once; where it isn't needed, that would be three requests more for each.
            Put(connection, NameOf(0), "latest");
            var list = connection.Say(_target.Head("GET", Deed.List, "", $"/v2/_catalog?n=1&last={Uri.EscapeDataString(_names.CatalogPrefix)}"), 200);
            needsBlob = !list.Contains($"\"{NameOf(0)}\"", StringComparison.Ordinal);
        });
        if (isThere)
            return;
        // The last comes last, and says to the next run that all of them are there.
        await stand.EachAsync(halt, last, Make);
        await stand.AloneAsync(halt, connection => Make(connection, last));

        string NameOf(int number) => Names.Entry(_names.CatalogPrefix, number);

        void Make(Connection connection, int number)
        {
            if (needsBlob)
                _push.PushBlob(connection, NameOf(number), Image.Nothing);
            Put(connection, NameOf(number), "latest");
        }
    }

    private async Task FillTagsAsync()
    {
        var repository = _names.TagsRepository;
        var isThere = false;
        var atOnce = 1;
        await stand.AloneAsync(halt, connection =>
        {
            isThere = IsThere(connection, repository, Names.Entry(Names.EntryPrefix, plan.Entries - 1));
            if (!isThere)
                atOnce = CountTagsAtOnce(connection, repository);
        });
        if (isThere)
            return;
        await stand.EachAsync(halt, (plan.Entries + atOnce - 1) / atOnce, (connection, run) => PutTags(connection, repository, run * atOnce, Math.Min(atOnce, plan.Entries - (run * atOnce))));
    }

    private bool IsThere(Connection connection, string repository, string reference) => connection.Exchange(
        _target.Head("HEAD", Deed.Push, repository, $"/v2/{repository}/manifests/{reference}", $"Accept: {Image.IndexType}, {Image.MediaType}\r\n"), bodiless: true).Status == 200;

    private int Put(Connection connection, string repository, string reference, string query = "")
    {
        var set = _push.PutManifest(connection, repository, Image.EmptyIndex, reference, Image.IndexType, query);
        // Under as many tags as it is put: it is one manifest.
        if (_put.TryAdd(repository, 0))
            stand.Left.Add(repository, Image.EmptyIndex.Digest, Image.EmptyIndex.Length);
        return set;
    }

    /// <summary>A server that doesn't know <c>?tag=</c> ignores it and names no tags in its answer.</summary>
    private int CountTagsAtOnce(Connection connection, string repository)
    {
        foreach (var count in new[] { Math.Min(plan.Entries, TagsAtOnce), Math.Min(plan.Entries, TagsAtOnceAtLeast) })
        {
            try
            {
                if (PutTags(connection, repository, 0, count) >= count)
                    return count;
            }
            catch (RequestFailedException e) when (e.Status is 400 or 414)
            {
                // Too many: fewer, then.
            }
        }
        return 1;
    }

    private int PutTags(Connection connection, string repository, int first, int count)
    {
        var name = Names.Entry(Names.EntryPrefix, first);
        if (count == 1)
            return Put(connection, repository, name);
        // With `?tag=` the reference in the path is the digest (dist-spec dev, several tags per PUT).
        var more = string.Join('&', Enumerable.Range(first, count).Select(static number => "tag=" + Names.Entry(Names.EntryPrefix, number)));
        return Put(connection, repository, Image.EmptyIndex.Digest, $"?{more}");
    }

    private async Task<ReadPlan> ReferrersAsync(CancellationToken token)
    {
        var repository = _names.ReferrersRepository;
        await _target.Grants.AskAsync(Deed.Push, [repository], token);
        var subject = Image.Of(new BlobSource(Scenario.SmallBytes, RandomBytes.SeedFor(plan.Seed, "subject")), 1);
        await stand.AloneAsync(halt, connection =>
        {
            _push.PushBlob(connection, repository, Image.Nothing);
            if (IsThere(connection, repository, subject.Manifest.Digest))
                return;
            _push.Push(connection, repository, subject, "subject");
            stand.Left.Add(repository, subject.Manifest.Digest, subject.Length);
        });
        var referrers = Enumerable.Range(0, plan.Entries).Select(number => subject.Referrer(number.ToString("D7", CultureInfo.InvariantCulture))).ToList();
        await stand.EachAsync(halt, referrers.Count, (connection, number) =>
        {
            if (IsThere(connection, repository, referrers[number].Digest))
                return;
            _push.PutManifest(connection, repository, referrers[number], referrers[number].Digest);
            stand.Left.Add(repository, referrers[number].Digest, referrers[number].Length);
        });
        await _target.Grants.AskAsync(Deed.Pull, [repository], token);
        var question = new Question("GET", Deed.Pull, repository, $"/v2/{repository}/referrers/{subject.Manifest.Digest}") { Headers = $"Accept: {Image.IndexType}\r\n" };
        return new ReadPlan(_target, [[await MeasuredAsync(question, "\"digest\"", 1, "lists no referrers: it may be older than the distribution-spec 1.1")]]);
    }

    /// <summary>Full pages from seeded random places of the listing, as deep ones are where a listing gets slow.</summary>
    private async Task<ReadPlan> PagesAsync(Deed deed, string repository, string path, string prefix)
    {
        var random = new RandomBytes(RandomBytes.SeedFor(plan.Seed, "pages"));
        var page = Math.Min(PageEntries, plan.Entries);
        var places = plan.Entries - page + 1;
        var questions = Enumerable.Range(0, Math.Min(PageRequests, places)).Select(_ =>
        {
            // The page begins behind `last`; before the first entry nothing else of the run stands but the prefix itself.
            var place = (int)(random.Next() % (ulong)places);
            var last = Uri.EscapeDataString(place == 0 ? prefix : Names.Entry(prefix, place - 1));
            return new Question("GET", deed, repository, string.Create(CultureInfo.InvariantCulture, $"{path}?n={page}&last={last}"));
        }).ToList();
        var measured = await MeasuredAsync(questions[^1], $"\"{prefix}", page, $"lists fewer than {page} of the {plan.Entries} entries that were made");
        return new ReadPlan(_target, [.. questions.Select(question => new[] { question with { Length = measured.Length } })]);
    }

    private async Task<Question> MeasuredAsync(Question question, string entry, int atLeast, string otherwise)
    {
        var length = 0L;
        await stand.AloneAsync(halt, connection =>
        {
            var body = Page(connection, question);
            length = connection.Last.BodyBytes;
            if (body.Split(entry).Length - 1 < atLeast)
                throw new RequestFailedException($"{question.Path.Split('?')[0]} {otherwise}");
        });
        return question with { Length = length };
    }

    private string Page(Connection connection, Question question)
    {
        try
        {
            return connection.Say(_target.Head(question), 200);
        }
        catch (RequestFailedException e) when (e.Status == 404)
        {
            throw new RequestFailedException($"it has no {question.Path.Split('?')[0]} (status 404), so that this workload is not for it");
        }
    }
}
