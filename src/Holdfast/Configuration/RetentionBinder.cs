using Holdfast.Server;
using Holdfast.Server.Http;
using Holdfast.Server.Retention;

namespace Holdfast.Configuration;

/// <summary>Reads the rules of retention, and finds the ones that would remove too much, or that do nothing.</summary>
internal sealed class RetentionBinder(
    MapSetting root, List<BoundRegistry> bound, CollectionOptions collection, Problems problems, List<string> notes)
{
    private readonly string[] registries = [.. bound.Where(r => r.Options.Cache is null).Select(r => r.Name)];
    private readonly RetentionOverlap overlap = new([.. bound.Where(r => r.Options.Cache is null).Select(r => r.Name)], problems);

    public List<RetentionOptions> Bind()
    {
        var rules = root.List("retention");
        var options = new List<RetentionOptions>();
        for (var i = 0; i < rules.Count; i++)
        {
            if (rules[i] is MapSetting { Bad: false } map)
                options.Add(Bind(map, $"retention[{i}]"));
        }

        return options;
    }

    private RetentionOptions Bind(MapSetting map, string path)
    {
        foreach (var missing in ((string[])["registries", "repositories"]).Where(k => map.Find(k) is null))
            problems.Add(map.Origin, $"{path}.{missing}", $"missing; write [\"{(missing == "registries" ? "*" : "**")}\"] for all");
        var rule = Read(map, path);
        CheckRegistries(map, path);
        // What was reported as wrong must not be reported as missing too.
        if (map.Entries.All(e => !HasBad(e.Value)))
        {
            if (KeepsSomething(map, rule, path))
                CheckIdle(map, rule, path);
            CheckUntagged(map, rule, path);
        }

        overlap.Add(map, path, rule);
        return rule;
    }

    private RetentionOptions Read(MapSetting map, string path)
    {
        var rule = new RetentionOptions
        {
            Registries = map.Texts("registries"),
            Repositories = map.Texts("repositories"),
            KeepNewest = map.Scalar("keepNewest") is null ? null : map.Number("keepNewest", 0),
            KeepTags = map.Texts("keepTags"),
            KeepPulledWithin = map.Duration("keepPulledWithin"),
            KeepYoungerThan = map.Duration("keepYoungerThan"),
            UntaggedAfter = map.Duration("untaggedAfter"),
            ImmutableTags = map.Texts("immutableTags"),
            InUse = [.. map.List("inUse").OfType<ScalarSetting>().Where(s => !s.Bad).Select(s => BindList(s, path))],
            Schedule = map.Text("schedule"),
        };
        return rule with { MaxRemovedPercent = map.Percent("maxRemoved", rule.MaxRemovedPercent) };
    }

    // A list that can't be read can't protect what stands in it.
    private string BindList(ScalarSetting list, string path)
    {
        if (list.Text.Contains("://", StringComparison.Ordinal))
            return list.Text;
        var file = Path.GetFullPath(list.Text, list.Origin.BaseFolder);
        if (ReadableFile.Fault(file) is { } fault)
            problems.Add(list.Origin, $"{path}.inUse", fault);
        return file;
    }

    private void CheckRegistries(MapSetting map, string path)
    {
        foreach (var name in map.List("registries").OfType<ScalarSetting>().Where(s => !s.Bad && s.Text != "*" && !registries.Contains(s.Text, StringComparer.Ordinal)))
        {
            if (bound.Exists(r => r.Name == name.Text))
            {
                problems.Add(name.Origin, $"{path}.registries", $"{name.Text} is a cache, of which no rule removes anything; size.max bounds it, and pin keeps what must stay");
                continue;
            }

            problems.Add(name.Origin, $"{path}.registries", NearestName.Find(name.Text, registries) is { } near
                ? $"no registry {Problems.Quote(name.Text)}; did you mean {near}?"
                : $"no registry {Problems.Quote(name.Text)}; known are {string.Join(", ", registries)}");
        }
    }

    private bool KeepsSomething(MapSetting map, RetentionOptions rule, string path)
    {
        if (rule is { KeepNewest: 0, KeepTags.Count: 0, KeepPulledWithin: null, KeepYoungerThan: null })
        {
            problems.Add(map.Scalar("keepNewest")!.Origin, $"{path}.keepNewest", $"0 keeps nothing, and nothing else does: every image would go; keep at least 1, or add {Reasons("keepTags")}");
            return false;
        }

        if (rule is not { RemovesTagged: false, UntaggedAfter: null, ImmutableTags.Count: 0 })
            return true;
        problems.Add(map.Origin, path, $"keeps nothing: it would empty every repository that it fits; add {Reasons("keepNewest, keepTags")}, or, if only images without a tag shall go, untaggedAfter");
        return false;
    }

    private static string Reasons(string first) => $"{first}, keepPulledWithin or keepYoungerThan";

    private void CheckIdle(MapSetting map, RetentionOptions rule, string path)
    {
        var keepsEverything = rule.KeepTags.Any(t => TagPattern.TryParse(t, out var pattern, out _) && pattern.IsEverything);
        if (keepsEverything && map.FindEntry("keepTags") is { } all)
            FindIdle(map, all, path, "keepNewest", "keepPulledWithin", "keepYoungerThan");
        var removes = rule.UntaggedAfter is not null || (rule.RemovesTagged && !keepsEverything);
        if (!removes)
        {
            foreach (var entry in map.Entries.Where(e => e.Name is "schedule" or "maxRemoved" or "inUse"))
                problems.AddFinding(entry.Origin, $"{path}.{entry.Name}", $"does nothing: this rule removes nothing{(keepsEverything ? ", since keepTags keeps every tag" : "; add what to keep, or remove this key")}");
        }
        else if (rule is { MaxRemovedPercent: 0, Schedule: not null })
        {
            notes.Add($"{path} runs by schedule and may remove 0%: it only ever opens incidents");
        }
    }

    private void FindIdle(MapSetting map, MapSetting.Entry keepTags, string path, params string[] names)
    {
        if (map.Entries.FirstOrDefault(e => names.Contains(e.Name, StringComparer.Ordinal)) is { } idle)
            problems.AddFinding(keepTags.Origin, $"{path}.keepTags", $"keeps every tag, so that {idle.Name} does nothing; remove one of the two");
    }

    // Clients push the platforms of an image before the index that lists them; until then they are roots without a tag.
    private void CheckUntagged(MapSetting map, RetentionOptions rule, string path)
    {
        if (rule.UntaggedAfter < collection.Lease)
        {
            problems.AddFinding(map.Scalar("untaggedAfter")!.Origin, $"{path}.untaggedAfter", $"shorter than collection.lease ({Quantity.Format(collection.Lease)}): parts of an image that is being pushed may go before its tag comes");
        }
    }

    private static bool HasBad(Setting setting) => setting.Bad || (setting is ListSetting list && list.Items.Exists(i => i.Bad));
}
