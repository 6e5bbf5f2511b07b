using Holdfast.Server;
using Holdfast.Server.Auth;
using Holdfast.Server.Http;

namespace Holdfast.Configuration;

/// <param name="SaysNone">Was it written that it has no users?</param>
internal sealed record BoundRegistry(string Name, Origin Origin, string Path, bool SaysNone, RegistryOptions Options)
{
    /// <summary>It should be a cache, or something that nobody knows; errors tell.</summary>
    public bool IsUnclear { get; init; }
}

internal sealed class RegistryBinder(MapSetting root, Problems problems, List<string> notes)
{
    private readonly CacheBinder caches = new(problems, notes);

    public List<BoundRegistry> Bind() =>
        [.. (root.Map("registries")?.Entries ?? []).Select(e => Bind(e.Name, e.Origin, e.Value, $"registries.{e.Name}"))];

    private BoundRegistry Bind(string name, Origin origin, Setting value, string path)
    {
        var map = value as MapSetting;
        var auth = map?.Find("auth");
        var options = new RegistryOptions { Name = name, Auth = BindAuth(map, $"{path}"), Cache = caches.Bind(map, path) };
        // What was reported as wrong must not be reported as missing too.
        var saysNone = value.Bad || auth is { Bad: true } or ScalarSetting { Text: "none" };
        if (auth is not MapSetting && map?.FindEntry("access") is { } access)
            problems.Add(access.Origin, $"{path}.access", "names users, and the registry has none; give auth.htpasswd");
        var isUnclear = value.Bad || map?.Find("kind") is { Bad: true } || (map.Text("kind") == "cache" && options.Cache is null);
        return new BoundRegistry(name, origin, path, saysNone, options) { IsUnclear = isUnclear };
    }

    private AuthOptions? BindAuth(MapSetting? registry, string path)
    {
        if (registry.Map("auth") is not { } auth)
            return null;
        var htpasswd = auth.FullPath("htpasswd");
        if (htpasswd is null && auth.Find("htpasswd") is null)
            problems.Add(auth.Origin, $"{path}.auth.htpasswd", "missing; give an htpasswd file, or write `auth: none` to serve it open to everyone");
        var users = htpasswd is null ? null : ReadUsers(auth.Find("htpasswd")!.Origin, $"{path}.auth.htpasswd", htpasswd);
        return new AuthOptions
        {
            HtpasswdFile = htpasswd ?? "",
            Anonymous = Actions(auth, "anonymous"),
            Token = BindToken(auth),
            Access = BindAccess(registry, $"{path}.access", users),
        };
    }

    private static TokenOptions? BindToken(MapSetting auth)
    {
        if (auth.Map("token") is not { } token)
            return null;
        var defaults = new TokenOptions();
        return new TokenOptions
        {
            Realm = token.Text("realm") is { } realm ? new Uri(realm) : null,
            Service = token.Text("service"),
            Lifetime = token.Duration("lifetime", defaults.Lifetime),
        };
    }

    private AccessRule[] BindAccess(MapSetting? registry, string path, HashSet<string>? known)
    {
        var rules = registry.List("access");
        for (var i = 0; i < rules.Count; i++)
        {
            if (rules[i] is not MapSetting { Bad: false } rule)
                continue;
            foreach (var missing in ((string[])["users", "repositories", "actions"]).Where(k => rule.Find(k) is null))
                problems.Add(rule.Origin, $"{path}[{i}].{missing}", "missing; a rule has users, repositories and actions");
            CheckUsers(rule, $"{path}[{i}].users", known);
            CheckAnonymous(rule, $"{path}[{i}]");
        }

        return [.. rules.OfType<MapSetting>().Select(r => new AccessRule(r.Texts("users"), r.Texts("repositories"), Actions(r, "actions")))];
    }

    // Finding, not error: a server must come up after somebody was removed.
    private void CheckUsers(MapSetting rule, string path, HashSet<string>? known)
    {
        if (known is null)
            return;
        foreach (var user in rule.List("users").OfType<ScalarSetting>().Where(u => !u.Bad && u.Text is not ("*" or "anonymous") && !known.Contains(u.Text)))
        {
            var near = NearestName.Find(user.Text, known) is { } name ? $"; did you mean {name}?" : "; add it with `holdfast user add`";
            problems.AddFinding(user.Origin, path, $"{Problems.Quote(user.Text)} is not in the htpasswd file{near}");
        }
    }

    // Everyone could fill the disk, or empty the registry, without leaving a name.
    private void CheckAnonymous(MapSetting rule, string path)
    {
        if (rule.Texts("users").Contains("anonymous", StringComparer.Ordinal) && (Actions(rule, "actions") & ~RegistryActions.Pull) != 0)
            problems.Add(rule.Find("actions")!.Origin, $"{path}.actions", "a caller without credentials may only pull; give everything else to named users");
    }

    private HashSet<string>? ReadUsers(Origin origin, string path, string file)
    {
        if (ReadableFile.Fault(file) is { } fault)
        {
            problems.Add(origin, path, fault);
            return null;
        }

        var htpasswd = HtpasswdText.Read(file);
        foreach (var problem in htpasswd.Problems)
            problems.Add(origin, path, problem);
        if (htpasswd is { Problems.Count: 0, Users.Count: 0 })
            problems.AddFinding(origin, path, $"{Problems.Quote(file)} has no users yet; add one with `holdfast user add NAME --file {file}`");
        return [.. htpasswd.Users.Keys];
    }

    private static RegistryActions Actions(MapSetting map, string name) =>
        map.Texts(name).Aggregate(RegistryActions.None, (all, action) => all | action switch
        {
            "pull" => RegistryActions.Pull,
            "push" => RegistryActions.Push,
            "delete" => RegistryActions.Delete,
            "admin" => RegistryActions.Admin,
            _ => RegistryActions.None,
        });
}
