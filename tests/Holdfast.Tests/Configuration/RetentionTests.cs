using Holdfast.Configuration;
using Holdfast.Testing;
using Shouldly;
using Xunit;

namespace Holdfast.Tests.Configuration;

public sealed class RetentionTests(ConfigurationFolder folder) : IClassFixture<ConfigurationFolder>
{
    private const string Where = "registries: [default], repositories: [\"**\"], ";

    public static TheoryData<string, string> Errors => new()
    {
        { "{ repositories: [a], keepNewest: 1 }", "retention[0].registries: missing; write [\"*\"] for all" },
        { "{ registries: [default], keepNewest: 1 }", "retention[0].repositories: missing; write [\"**\"] for all" },
        { "{ registries: [], repositories: [a], keepNewest: 1 }", "retention[0].registries: is empty; names no registry; write [\"*\"] for all" },
        { "{ registries: [default], repositories: [], keepNewest: 1 }", "retention[0].repositories: is empty; names no repository; write [\"**\"] for all" },
        { "{ registries: [defualt], repositories: [a], keepNewest: 1 }", "retention[0].registries: no registry 'defualt'; did you mean default?" },
        { "{ registries: [other], repositories: [a], keepNewest: 1 }", "retention[0].registries: no registry 'other'; known are default" },
        { "{ registries: [\"a*\"], repositories: [a], keepNewest: 1 }", "retention[0].registries[0]: 'a*' is not a registry name; use 1 to 64 of a-z, 0-9 and -" },
        { "{ registries: [default], repositories: [\"a**\"], keepNewest: 1 }", "retention[0].repositories[0]: 'a**' has ** beside other text; ** is a whole part, as in team/**" },
        { "{ registries: [default], repositories: [Team], keepNewest: 1 }", "retention[0].repositories[0]: 'Team' can't match: repository names have no capital letters" },
        { $"{{ {Where} keepNewest: -1 }}", "retention[0].keepNewest: '-1' is not a whole number from 0 to 1000000" },
        { $"{{ {Where} keepNewest: 0 }}", "retention[0].keepNewest: 0 keeps nothing, and nothing else does: every image would go; keep at least 1, or add keepTags, keepPulledWithin or keepYoungerThan" },
        { $"{{ {Where} keepNewest: 0, keepTags: [], untaggedAfter: 30d }}", "retention[0].keepNewest: 0 keeps nothing, and nothing else does: every image would go; keep at least 1, or add keepTags, keepPulledWithin or keepYoungerThan" },
        { $"{{ {Where} schedule: \"0 2 * * *\" }}", "retention[0]: keeps nothing: it would empty every repository that it fits; add keepNewest, keepTags, keepPulledWithin or keepYoungerThan, or, if only images without a tag shall go, untaggedAfter" },
        { $"{{ {Where} keepTags: [] }}", "retention[0]: keeps nothing: it would empty every repository that it fits; add keepNewest, keepTags, keepPulledWithin or keepYoungerThan, or, if only images without a tag shall go, untaggedAfter" },
        { $"{{ {Where} keepTags: [\"v/*\"] }}", "retention[0].keepTags[0]: 'v/*' fits no tag: no tag has '/' in it; use a-z, A-Z, 0-9, . _ - and * ?" },
        { $"{{ {Where} keepTags: [-x] }}", "retention[0].keepTags[0]: '-x' fits no tag: no tag begins with '-'" },
        { $"{{ {Where} keepTags: [\"\"] }}", "retention[0].keepTags[0]: '' fits no tag: the pattern is empty; * stands for every tag" },
        { $"{{ {Where} keepNewest: 1, immutableTags: [\"a:b\"] }}", "retention[0].immutableTags[0]: 'a:b' fits no tag: no tag has ':' in it; use a-z, A-Z, 0-9, . _ - and * ?" },
        { $"{{ {Where} keepPulledWithin: 59m }}", "retention[0].keepPulledWithin: '59m' is too short; at least 1h: pulls are remembered to the hour" },
        { $"{{ {Where} keepYoungerThan: 0s }}", "retention[0].keepYoungerThan: '0s' is too short; at least 1s" },
        { $"{{ {Where} untaggedAfter: soon }}", "retention[0].untaggedAfter: 'soon' is not a duration; write a whole number and a unit: 500ms, 30s, 15m, 24h, 90d" },
        { $"{{ {Where} keepNewest: 1, maxRemoved: 25 }}", "retention[0].maxRemoved: '25' is not a share; write 25%" },
        { $"{{ {Where} keepNewest: 1, maxRemoved: 101% }}", "retention[0].maxRemoved: '101%' is not a share; write a whole number from 0% to 100%" },
        { $"{{ {Where} keepNewest: 1, maxRemoved: 5%% }}", "retention[0].maxRemoved: '5%%' is not a share; write 5%" },
        { $"{{ {Where} keepNewest: 1, schedule: daily }}", "retention[0].schedule: 'daily' has 1 field; write five: minute, hour, day of month, month, day of week, as in 0 2 * * *" },
        { $"{{ {Where} keepNewest: 1, schedule: \"0 0 30 2 *\" }}", "retention[0].schedule: '0 0 30 2 *' never comes: no such month has such a day" },
        { $"{{ {Where} keepNewest: 1, inUse: [nope] }}", "retention[0].inUse: no file '{folder}/nope'" },
        { $"{{ {Where} keepNewest: 1, inUse: [\"ftp://a.example/x\"] }}", "retention[0].inUse[0]: 'ftp://a.example/x' is not a path, nor an http or https URL without user and fragment" },
        { "5", "retention[0]: '5' is not a mapping; needs registries, repositories and what to keep" },
    };

    public static TheoryData<string, string> Findings => new()
    {
        { $"{{ {Where} immutableTags: [\"v*\"], schedule: \"0 2 * * *\" }}", "retention[0].schedule: does nothing: this rule removes nothing; add what to keep, or remove this key" },
        { $"{{ {Where} immutableTags: [\"v*\"], maxRemoved: 10% }}", "retention[0].maxRemoved: does nothing: this rule removes nothing; add what to keep, or remove this key" },
        { $"{{ {Where} keepTags: [\"v*\", \"*\"], schedule: \"0 2 * * *\" }}", "retention[0].schedule: does nothing: this rule removes nothing, since keepTags keeps every tag" },
        { $"{{ {Where} keepTags: [\"**\"], keepNewest: 10, untaggedAfter: 2d }}", "retention[0].keepTags: keeps every tag, so that keepNewest does nothing; remove one of the two" },
        { $"{{ {Where} untaggedAfter: 10m }}", "retention[0].untaggedAfter: shorter than collection.lease (1h): parts of an image that is being pushed may go before its tag comes" },
    };

    [Theory]
    [MemberData(nameof(Errors))]
    [Promise("P9")]
    public void Load_BadRule_OnePreciseLine(string rule, string line)
    {
        var result = folder.Load($"retention:\n  - {rule}\n");
        ConfigurationFolder.Lines(result).ShouldBe(["h.yaml:2: " + line.Replace("{folder}", folder.Path, StringComparison.Ordinal)]);
        result.Configuration.ShouldBeNull();
    }

    [Theory]
    [MemberData(nameof(Findings))]
    [Promise("P9")]
    public void Load_RuleThatDoesNothing_IsAFinding(string rule, string line)
    {
        var result = folder.Load($"retention:\n  - {rule}\n");
        ConfigurationFolder.Lines(result).ShouldBe(["h.yaml:2: " + line]);
        result.Configuration.ShouldNotBeNull();
    }

    [Fact]
    [Promise("P9")]
    public void Load_SeveralProblems_AllAtOnce()
    {
        var result = folder.Load("""
            retention:
              - registries: [nope]
                repositories: [a, "B"]
                keepTags: ["!"]
                schedule: "61 * * * *"
              - { registries: [default], repositories: [a], keepNewest: 0 }
            trash: { keep: 0s }
            """);
        ConfigurationFolder.Lines(result).Select(l => l.Split(": ")[0] + " " + l.Split(": ")[1]).Order(StringComparer.Ordinal).ShouldBe(
        [
            "h.yaml:2 retention[0].registries", "h.yaml:3 retention[0].repositories[1]", "h.yaml:4 retention[0].keepTags[0]",
            "h.yaml:5 retention[0].schedule", "h.yaml:6 retention[1].keepNewest", "h.yaml:7 trash.keep",
        ]);
    }

    [Fact]
    public void Load_Rule_ReachesItsOption()
    {
        var result = folder.Load("""
            retention:
              - registries: [default]
                repositories: ["team/**", "base/*"]
                keepNewest: 10
                keepTags: [latest, "v*"]
                keepPulledWithin: 90d
                keepYoungerThan: 30d
                untaggedAfter: 14d
                immutableTags: ["v?.*"]
                inUse: [users, "https://cluster.example/images?all=1"]
                maxRemoved: 5%
                schedule: "0 2 * * mon-fri"
            """);
        ConfigurationFolder.Lines(result).ShouldBeEmpty();
        var rule = result.Configuration!.Server.Retention.ShouldHaveSingleItem();
        rule.Registries.ShouldBe(["default"]);
        rule.Repositories.ShouldBe(["team/**", "base/*"]);
        rule.KeepNewest.ShouldBe(10);
        rule.KeepTags.ShouldBe(["latest", "v*"]);
        rule.KeepPulledWithin.ShouldBe(TimeSpan.FromDays(90));
        rule.KeepYoungerThan.ShouldBe(TimeSpan.FromDays(30));
        rule.UntaggedAfter.ShouldBe(TimeSpan.FromDays(14));
        rule.ImmutableTags.ShouldBe(["v?.*"]);
        rule.InUse.ShouldBe([Path.Combine(folder.Path, "users"), "https://cluster.example/images?all=1"]);
        rule.MaxRemovedPercent.ShouldBe(5);
        rule.Schedule.ShouldBe("0 2 * * mon-fri");
    }

    [Fact]
    public void Load_LeastRule_HasTheDefaults()
    {
        var result = folder.Load("retention: [ { registries: [\"*\"], repositories: [\"**\"], keepNewest: 1 } ]");
        ConfigurationFolder.Lines(result).ShouldBeEmpty();
        var rule = result.Configuration!.Server.Retention.ShouldHaveSingleItem();
        (rule.KeepNewest, rule.KeepPulledWithin, rule.KeepYoungerThan, rule.UntaggedAfter, rule.MaxRemovedPercent, rule.Schedule).ShouldBe((1, null, null, null, 25, null));
        (rule.KeepTags.Count, rule.ImmutableTags.Count, rule.InUse.Count).ShouldBe((0, 0, 0));
        Quantity.ParsePercent(Schema.Keys.First(k => k.Path == "retention[].maxRemoved").Key.Default!, out var percent).ShouldBeNull();
        percent.ShouldBe(rule.MaxRemovedPercent);
    }

    [Theory]
    [InlineData("untaggedAfter: 30d", false)]
    [InlineData("immutableTags: [v1]", false)]
    [InlineData("keepNewest: 0, keepTags: [a]", true)]
    [InlineData("keepPulledWithin: 1h", true)]
    [InlineData("keepYoungerThan: 1s", true)]
    public void Load_RuleWithOneReason_RemovesTagsOrNot(string reason, bool removes)
    {
        var result = folder.Load($"retention: [ {{ {Where} {reason} }} ]");
        ConfigurationFolder.Lines(result).ShouldBeEmpty();
        result.Configuration!.Server.Retention[0].RemovesTagged.ShouldBe(removes);
    }

    [Theory]
    [InlineData("[a]", "**", "[a]", "x", true)]
    [InlineData("[\"*\"]", "team/**", "[b]", "team/x/*", true)]
    [InlineData("[a, b]", "x", "[\"*\"]", "x", true)]
    [InlineData("[a]", "**", "[b]", "x", false)]
    [InlineData("[a]", "**", "[a, b]", "x", false)]
    [InlineData("[a]", "team/*", "[a]", "team/**", false)]
    [InlineData("[a]", "x", "[a]", "**", false)]
    [Promise("P9")]
    public void Load_PatternThatAnEarlierRuleCovers_IsAFinding(string registries, string pattern, string laterRegistries, string laterPattern, bool shadowed)
    {
        var result = folder.Load($$"""
            registries: { a: {}, b: {} }
            listeners: [ { url: "http://127.0.0.1:1", registry: a }, { url: "http://127.0.0.1:2", registry: b } ]
            retention:
              - { registries: {{registries}}, repositories: ["{{pattern}}"], keepNewest: 1 }
              - { registries: {{laterRegistries}}, repositories: [only/here, "{{laterPattern}}"], keepNewest: 2 }
            """);
        ConfigurationFolder.Lines(result).Where(l => l.Contains(laterPattern, StringComparison.Ordinal)).ShouldBe(shadowed
            ? [$"h.yaml:5: retention[1].repositories: '{laterPattern}' is never used: the rule at h.yaml:4 holds for all that it fits ({pattern}); put this rule before that one, or remove it"]
            : []);
        result.Configuration.ShouldNotBeNull();
    }

    [Fact]
    public void Load_ScheduleThatMayRemoveNothing_IsNoted() =>
        folder.Load($"retention: [ {{ {Where} keepNewest: 1, maxRemoved: 0%, schedule: \"0 2 * * *\" }} ]").Configuration!.Notes
            .ShouldHaveSingleItem().ShouldBe("retention[0] runs by schedule and may remove 0%: it only ever opens incidents");

    [Fact]
    public void Report_OfRules_SaysWhatEachDoes()
    {
        var output = new StringWriter();
        ConfigurationReport.Write(folder.Load($$"""
            heal: { donors: [ { folder: . } ] }
            retention:
              - { registries: [default], repositories: [a, b], keepNewest: 10, keepTags: [latest, "v*"], keepPulledWithin: 90d, schedule: "0 2 * * *" }
              - { registries: ["*"], repositories: ["c/**"], untaggedAfter: 24h, maxRemoved: 50% }
              - { registries: ["*"], repositories: ["**"], immutableTags: ["v*"] }
            """), output);
        var lines = output.ToString();
        lines.ShouldContain("  deletes can be undone for 7d; what nothing refers to any more goes 24h later\n");
        lines.ShouldContain("  every byte is hashed once in 7d, at most 50MiB/s\n");
        lines.ShouldContain($"  damage is mended by pushes and from {folder.Path}\n");
        lines.ShouldContain("  retention of default: a, b: keeps the newest 10, tags latest v*, what was pulled within 90d; other tagged images go; images without a tag stay; at most 25% of a repository at once; runs at 0 2 * * *\n");
        lines.ShouldContain("  retention of *: c/**: keeps every tagged image; images without a tag go after 24h; at most 50% of a repository at once; only by command\n");
        lines.ShouldContain("  retention of *: **: keeps every tagged image; images without a tag stay; tags v* can't be moved\n");
    }

    [Fact]
    public void Report_WithoutRules_SaysThatNothingGoes()
    {
        var output = new StringWriter();
        ConfigurationReport.Write(folder.LoadWithoutFile(), output);
        output.ToString().ShouldContain("  no retention: no image goes by itself\n");
    }
}
