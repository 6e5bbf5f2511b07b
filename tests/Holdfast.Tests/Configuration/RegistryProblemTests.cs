using Holdfast.Configuration;
using Holdfast.Testing;
using Shouldly;
using Xunit;

namespace Holdfast.Tests.Configuration;

public sealed class RegistryProblemTests(ConfigurationFolder folder) : IClassFixture<ConfigurationFolder>
{
    public static TheoryData<string, string> Auths => new()
    {
        { "auth:", "h.yaml:3: registries.a.auth: is empty; write `none` to serve it open to everyone, or give an htpasswd" },
        { "auth: nonne", "h.yaml:3: registries.a.auth: 'nonne' is not a mapping; write `none` to serve it open to everyone, or give an htpasswd" },
        { "auth: {}", "h.yaml:3: registries.a.auth.htpasswd: missing; give an htpasswd file, or write `auth: none` to serve it open to everyone" },
        { "auth: { anonymous: [pull] }", "h.yaml:3: registries.a.auth.htpasswd: missing; give an htpasswd file, or write `auth: none` to serve it open to everyone" },
        { "auth: { htpasswd: nope }", "h.yaml:3: registries.a.auth.htpasswd: no file '{folder}/nope'" },
        { "auth: { htpasswd: . }", "h.yaml:3: registries.a.auth.htpasswd: '{folder}' is a folder; name a file" },
        { "auth: { htpasswd: users, anonymous: [push] }", "h.yaml:3: registries.a.auth.anonymous[0]: 'push' is not known; write pull" },
        { "auth: { htpasswd: users, anonymous: [admin] }", "h.yaml:3: registries.a.auth.anonymous[0]: 'admin' is not known; write pull" },
        { "auth: { htpasswd: users, token: }", "h.yaml:3: registries.a.auth.token: is empty; write {} to give tokens with the defaults, or remove the key" },
        { "auth: { htpasswd: users, token: { lifetime: 1s } }", "h.yaml:3: registries.a.auth.token.lifetime: '1s' is too short; at least 1m" },
        { "auth: { htpasswd: users, token: { realm: \"ftp://x/t\" } }", "h.yaml:3: registries.a.auth.token.realm: 'ftp://x/t' is not an http or https URL without user, query and fragment, such as https://registry.example/token" },
        { "access: [ { users: [ci], repositories: [a], actions: [pull] } ]", "h.yaml:3: registries.a.access: names users, and the registry has none; give auth.htpasswd" },
        { "kind: hostd", "h.yaml:3: registries.a.kind: 'hostd' is not known; did you mean hosted?" },
    };

    public static TheoryData<string, string> Rules => new()
    {
        { "access: []", "h.yaml:4: registries.a.access: is empty; an empty list would let every user pull, push and delete; remove the key if that is meant" },
        { "access: [ { users: [ci], repositories: [\"**\"] } ]", "h.yaml:4: registries.a.access[0].actions: missing; a rule has users, repositories and actions" },
        { "access: [ { users: [], repositories: [\"**\"], actions: [pull] } ]", "h.yaml:4: registries.a.access[0].users: is empty; names no user" },
        { "access: [ { users: [ci], repositories: [], actions: [pull] } ]", "h.yaml:4: registries.a.access[0].repositories: is empty; names no repository; write [\"**\"] for all" },
        { "access: [ { users: [ci], repositories: [a], actions: [pul] } ]", "h.yaml:4: registries.a.access[0].actions[0]: 'pul' is not known; did you mean pull?" },
        { "access: [ { users: [ci], repositories: [a], actions: [all] } ]", "h.yaml:4: registries.a.access[0].actions[0]: 'all' is not known; write pull or push or delete or admin" },
        { "access: [ { users: [ci], repositories: [a**b], actions: [pull] } ]", "h.yaml:4: registries.a.access[0].repositories[0]: 'a**b' has ** beside other text; ** is a whole part, as in team/**" },
        { "access: [ { users: [ci], repositories: [a//b], actions: [pull] } ]", "h.yaml:4: registries.a.access[0].repositories[0]: 'a//b' has an empty part; remove the extra /" },
        { "access: [ { users: [ci], repositories: [Team/x], actions: [pull] } ]", "h.yaml:4: registries.a.access[0].repositories[0]: 'Team/x' can't match: repository names have no capital letters" },
        { "access: [ { users: [ci], repositories: [\"a?\"], actions: [pull] } ]", "h.yaml:4: registries.a.access[0].repositories[0]: 'a?' is not a pattern; use a-z, 0-9, . _ - / and *" },
        { "access: [ { users: [anonymous], repositories: [a], actions: [push] } ]", "h.yaml:4: registries.a.access[0].actions: a caller without credentials may only pull; give everything else to named users" },
        { "access: [ { users: [ci, anonymous], repositories: [a], actions: [pull, admin] } ]", "h.yaml:4: registries.a.access[0].actions: a caller without credentials may only pull; give everything else to named users" },
    };

    [Theory]
    [MemberData(nameof(Auths))]
    [Promise("P9")]
    public void Load_BadRegistry_OnePreciseLine(string line, string expected) => OneLine($"registries:\n  a:\n    {line}\n", expected);

    [Theory]
    [MemberData(nameof(Rules))]
    [Promise("P9")]
    public void Load_BadRule_OnePreciseLine(string line, string expected) =>
        OneLine($"registries:\n  a:\n    auth: {{ htpasswd: users }}\n    {line}\n", expected);

    [Theory]
    [InlineData("vewer", "; did you mean viewer?")]
    [InlineData("somebody", "; add it with `holdfast user add`")]
    [Promise("P9")]
    public void Load_RuleForAnUnknownUser_IsAFindingThatLetsItStart(string user, string hint)
    {
        var result = folder.Load($"registries:\n  a:\n    auth: {{ htpasswd: users }}\n    access:\n      - {{ users: [{user}, ci, \"*\", anonymous], repositories: [\"**\"], actions: [pull] }}\n");
        ConfigurationFolder.Lines(result).ShouldBe([$"h.yaml:5: registries.a.access[0].users: '{user}' is not in the htpasswd file{hint}"]);
        result.Problems[0].Weight.ShouldBe(ProblemWeight.Finding);
        result.Configuration.ShouldNotBeNull();
    }

    private void OneLine(string yaml, string line)
    {
        var result = folder.Load(yaml);
        ConfigurationFolder.Lines(result).ShouldBe([line.Replace("{folder}", folder.Path, StringComparison.Ordinal)]);
        result.Configuration.ShouldBeNull();
    }
}
