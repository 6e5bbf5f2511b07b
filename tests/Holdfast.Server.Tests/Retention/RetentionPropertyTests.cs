using FsCheck;
using FsCheck.Fluent;
using Holdfast.Oci;
using Holdfast.Server.Retention;
using Holdfast.Server.Tests.Protocol;
using Holdfast.Storage;
using Holdfast.Storage.Metadata;
using Shouldly;
using Xunit;

namespace Holdfast.Server.Tests.Retention;

/// <summary>For any repository and any rule: a run does what its plan says, and nothing else.</summary>
public class RetentionPropertyTests
{
    [Fact]
    public void Decide_AnyRootsAndRule_KeepsForAReasonAndRemovesOnlyWithoutOne() => Prop.ForAll(
        Gen.Choose(0, int.MaxValue).ToArbitrary(),
        seed =>
        {
            var random = new Random(seed);
            var roots = Enumerable.Range(0, random.Next(30)).Select(i => Root(random, i)).ToList();
            var rule = new RetentionRule(0, Rule(random));
            var decision = RetentionDecision.Decide(rule, roots, root => root.Digest.Hex[63] == '7' ? "list line 1" : null, StoreMoment.At(1000));
            decision.Removed.Concat(decision.Kept).Select(root => root.Root.Digest).ShouldBe(roots.Select(root => root.Digest), ignoreOrder: true);
            foreach (var (root, _) in decision.Removed.Select(root => (root.Root, root.Reasons)))
                ShouldBeWithoutReason(root, rule.Options, roots);
            decision.Kept.Count(root => root.Reasons.Any(reason => reason.Kind == PlanReasonKind.Newest))
                .ShouldBe(Math.Min(rule.Options.KeepNewest ?? 0, roots.Count(root => root.Tags.Count > 0)));
            decision.Kept.ShouldAllBe(root => root.Reasons.Count > 0);
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(2000));

    [Fact]
    public void Apply_AnyRepository_RemovesExactlyThePlanAndNoPartOfWhatStays() => Prop.ForAll(
        Gen.Choose(0, int.MaxValue).ToArbitrary(),
        seed => RunAsync(new Random(seed)).GetAwaiter().GetResult()).Check(Config.QuickThrowOnFailure.WithMaxTest(60));

    [Fact]
    public void Find_AnyManifest_IsWhatTheListSays() => Prop.ForAll(
        Gen.Choose(0, int.MaxValue).ToArbitrary(),
        seed => FindAsync(new Random(seed)).GetAwaiter().GetResult()).Check(Config.QuickThrowOnFailure.WithMaxTest(60));

    [Fact]
    public void Execute_AnyChangeSinceTheDecision_RemovesOnlyWhatAFreshDecisionWould() => Prop.ForAll(
        Gen.Choose(0, int.MaxValue).ToArbitrary(),
        seed => RaceAsync(new Random(seed)).GetAwaiter().GetResult()).Check(Config.QuickThrowOnFailure.WithMaxTest(150));

    private static async Task FindAsync(Random random)
    {
        await using var store = new RetentionStore();
        var pushed = Fill(store, random);
        Disturb(store, random, pushed);
        var key = RetentionStore.Key("app");
        var roots = store.Read(db => RepositoryRoots.List(db, key)).ToDictionary(root => root.Digest);
        foreach (var digest in pushed)
        {
            var (found, push) = store.Read(db => (RepositoryRoots.Find(db, key, digest), RepositoryRoots.FindPush(db, key, digest)));
            var root = roots.GetValueOrDefault(digest);
            Text(found).ShouldBe(Text(root));
            push.ShouldBe(root is { Tags.Count: > 0 } ? (root.PushedAtMs, root.Tags[0].Name) : null);
        }
        static string Text(RootRow? root) => root is null
            ? ""
            : $"{root with { Tags = [], Below = [], TagsBelow = [] }} {string.Join(',', root.Tags)} {string.Join(',', root.Below.Order())} {string.Join(',', root.TagsBelow.Order(StringComparer.Ordinal))}";
    }

    private static async Task RaceAsync(Random random)
    {
        await using var store = new RetentionStore();
        var pushed = Fill(store, random);
        var at = new RuledRepository("main", RetentionStore.Key("app"), new RetentionRule(0, Rule(random) with { MaxRemovedPercent = random.Next(2) == 0 ? 100 : 99 }));
        store.Time.Advance(TimeSpan.FromMilliseconds(100));
        RetentionDecision Decide() => store.Read(db => at.Decide(db, InUseReferences.None, store.Moment));
        var decided = Decide();
        if (decided.Stopped is not null)
            return;
        var isDisturbed = random.Next(5) > 0;
        if (isDisturbed)
            Disturb(store, random, pushed);
        var fresh = Decide();
        var removal = new RetentionRemoval(at, InUseReferences.None, "run", decided, [.. decided.Removed.Select((root, i) => (root.ToPlanned(), $"op{i}"))]);
        var outcome = store.Write(db => removal.Execute(db, store.Moment));
        var would = fresh.Removed.Select(root => root.Root.Digest.ToString()).ToHashSet(StringComparer.Ordinal);
        outcome.Removed.ShouldAllBe(root => would.Contains(root.Digest));
        (outcome.Removed.Count + outcome.Left.Count + outcome.Undecided.Count).ShouldBe(decided.Removed.Count);
        if (!isDisturbed)
            outcome.Removed.Count.ShouldBe(decided.Removed.Count);
        if (outcome.Removed.Count > 0 && at.Rule.Options.MaxRemovedPercent < 100)
            Decide().Roots.ShouldBeGreaterThan(0);
    }

    // What clients do.
    private static void Disturb(RetentionStore store, Random random, List<Digest> pushed)
    {
        for (var i = random.Next(1, 8); i > 0; i--)
        {
            var live = pushed.Where(digest => store.Has("app", digest)).ToList();
            if (live.Count == 0)
                return;
            var one = live[random.Next(live.Count)];
            switch (random.Next(6))
            {
                case 0 when !store.IsHeld("app", one):
                    store.Delete("app", one);
                    break;
                case 1:
                    store.Tag("app", one, $"t{random.Next(20)}");
                    break;
                case 2:
                    store.Pull("app", one);
                    break;
                case 3 when store.TagsOf("app") is { Count: > 0 } tags:
                    store.Untag("app", tags[random.Next(tags.Count)]);
                    break;
                case 4:
                    pushed.Add(store.PushIndex("app", [.. live.OrderBy(_ => random.Next()).Take(2)], random.Next(2) == 0 ? [] : ["t1"]));
                    break;
                default:
                    pushed.Add(store.Push("app", 500 + random.Next(1000), $"t{random.Next(20)}"));
                    break;
            }
            store.Time.Advance(TimeSpan.FromMilliseconds(random.Next(-50, 100)));
        }
    }

    private static async Task RunAsync(Random random)
    {
        await using var store = new RetentionStore();
        var live = Fill(store, random);
        var rule = Rule(random) with { MaxRemovedPercent = random.Next(101), KeepTags = ["t1*"] };
        store.Time.Advance(TimeSpan.FromMilliseconds(100));
        var below = live.ToDictionary(digest => digest, digest => store.Read(db => RepositoryRoots.List(db, RetentionStore.Key("app"))).FirstOrDefault(root => root.Digest == digest)?.Below ?? []);
        var plan = await store.PlanAsync(rule);
        var result = await store.ApplyAsync(rule);

        var planned = plan.Repositories.Where(repository => repository.Stopped is null).SelectMany(repository => repository.Removed).Select(root => Digest.Parse(root.Digest)).ToHashSet();
        live.Where(digest => !store.Has("app", digest)).ToHashSet().ShouldBe(planned, ignoreOrder: true);
        result.Removed.ShouldBe(planned.Count);
        foreach (var kept in plan.Repositories.SelectMany(repository => repository.Kept))
        {
            store.Has("app", Digest.Parse(kept.Digest)).ShouldBeTrue();
            below[Digest.Parse(kept.Digest)].ShouldAllBe(part => store.Has("app", part));
            kept.Tags.ShouldAllBe(tag => store.TagsOf("app").Contains(tag.Name));
        }
        if (planned.Count > 0 && rule.MaxRemovedPercent < 100)
            store.Read(db => RepositoryRoots.List(db, RetentionStore.Key("app"))).ShouldNotBeEmpty();
    }

    private static List<Digest> Fill(RetentionStore store, Random random)
    {
        var live = new List<Digest>();
        for (var i = 0; i < random.Next(1, 15); i++)
        {
            string[] tags = [.. Enumerable.Range(0, random.Next(3)).Select(_ => $"t{random.Next(20)}")];
            live.Add(random.Next(4) switch
            {
                0 when live.Count > 0 => store.PushIndex("app", [.. live.OrderBy(_ => random.Next()).Take(random.Next(1, 4)).Where(digest => store.Has("app", digest))], tags),
                1 when live.Count > 0 => store.PushReferrer("app", live[random.Next(live.Count)], 1000 + i, tags),
                _ => store.Push("app", i + 1, tags),
            });
            store.Time.Advance(TimeSpan.FromMilliseconds(random.Next(200)));
        }
        return [.. live.Distinct()];
    }

    private static void ShouldBeWithoutReason(RootRow root, RetentionOptions rule, List<RootRow> roots)
    {
        root.Digest.Hex[63].ShouldNotBe('7');
        if (root.Tags.Count == 0)
        {
            (root.UntaggedAtMs!.Value + rule.UntaggedAfter!.Value.TotalMilliseconds).ShouldBeLessThanOrEqualTo(1000);
            return;
        }
        rule.RemovesTagged.ShouldBeTrue();
        root.Tags.ShouldAllBe(tag => !rule.KeepTags.Contains("t1*") || !tag.Name.StartsWith("t1", StringComparison.Ordinal));
        roots.Count(other => other.Tags.Count > 0 && other.PushedAtMs >= root.PushedAtMs).ShouldBeGreaterThan(rule.KeepNewest ?? 0);
        if (rule.KeepYoungerThan is { } age)
            (root.PushedAtMs + age.TotalMilliseconds).ShouldBeLessThanOrEqualTo(1000);
    }

    private static RootRow Root(Random random, int i)
    {
        var tags = Enumerable.Range(0, random.Next(3)).Select(t => new RootTag($"t{random.Next(20)}-{i}-{t}", random.Next(1000))).ToList();
        return new RootRow(Samples.DigestOf([(byte)i]), tags, tags.Select(tag => tag.PushedAtMs).Append(random.Next(1000)).Max())
        {
            PulledAtMs = random.Next(2) * random.Next(1000),
            UntaggedAtMs = tags.Count > 0 || random.Next(10) == 0 ? null : random.Next(1000),
            LostSubject = random.Next(5) == 0,
        };
    }

    private static RetentionOptions Rule(Random random) => RetentionStore.Rule with
    {
        KeepNewest = random.Next(3) == 0 ? null : random.Next(1, 6),
        KeepTags = random.Next(2) == 0 ? [] : ["t1*"],
        KeepYoungerThan = random.Next(3) > 0 ? null : TimeSpan.FromMilliseconds(random.Next(500)),
        UntaggedAfter = random.Next(2) == 0 ? null : TimeSpan.FromMilliseconds(random.Next(500)),
    };
}
