using Holdfast.Server;

namespace Holdfast.Configuration;

/// <summary>Reads what makes a registry a cache.</summary>
internal sealed class CacheBinder(Problems problems, List<string> notes)
{
    private static readonly string[] Keys = [.. CacheSchema.RegistryKeys.Select(key => key.Name)];

    /// <returns>Null for a hosted registry, and for a cache of which too little is right.</returns>
    public CacheOptions? Bind(MapSetting? registry, string path)
    {
        if (registry is null || registry.Find("kind") is { Bad: true })
            return null;
        if (registry.Text("kind") != "cache")
        {
            foreach (var entry in registry.Entries.Where(e => Keys.Contains(e.Name, StringComparer.Ordinal)))
                problems.Add(entry.Origin, $"{path}.{entry.Name}", "is a cache's, and this registry is hosted; write `kind: cache`, or remove it");
            return null;
        }

        CheckAccess(registry, path);
        if (registry.Map("upstream") is not { } upstream)
        {
            // It may be what an unknown key was meant to be.
            if (registry.Find("upstream") is null && !registry.Entries.Any(e => e.Value.Bad))
                problems.Add(registry.Origin, $"{path}.upstream", "missing; a cache is filled from one: upstream: { url: https://registry-1.docker.io }");
            else if (registry.Find("upstream") is { Bad: false } empty)
                problems.Add(empty.Origin, $"{path}.upstream", "is empty; needs a url, such as https://registry-1.docker.io");
            return null;
        }

        if (new UpstreamBinder(upstream, $"{path}.upstream", problems, notes).Bind() is not { } bound)
            return null;
        CheckPins(registry, path, bound.Namespace);
        var fetch = registry.Map("fetch");
        var options = new CacheOptions
        {
            Upstream = bound,
            Tags = BindTags(registry.Map("tags")),
            MaxBytes = registry.Map("size").Size("max"),
            Pins = registry.Texts("pin"),
            PrefetchPlatforms = registry.Map("prefetch").Texts("platforms"),
        };
        return options with { FinishBytes = fetch.Size("finish", options.FinishBytes) };
    }

    /// <summary>What holds for all caches.</summary>
    public AllCachesOptions BindAll(MapSetting root, List<BoundRegistry> registries)
    {
        if (root.FindEntry("caches") is { Value.Bad: false } all && registries.TrueForAll(r => r.Options.Cache is null && !r.IsUnclear))
            problems.AddFinding(all.Origin, "caches", "does nothing: no registry is a cache");
        var options = new AllCachesOptions { MaxBytes = root.Map("caches").Map("size").Size("max") };
        foreach (var large in registries.Where(r => r.Options.Cache is { MaxBytes: { } own } && own > options.MaxBytes))
            problems.AddFinding(large.Origin, $"{large.Path}.size.max", $"more than all caches may hold together, {Quantity.Format(options.MaxBytes!.Value)} (caches.size.max)");
        return options;
    }

    private static TagTruthOptions BindTags(MapSetting? tags)
    {
        var defaults = new TagTruthOptions();
        return new TagTruthOptions
        {
            RevalidateAfter = tags.Duration("revalidateAfter", defaults.RevalidateAfter),
            ServeStaleFor = tags.Duration("serveStaleFor", defaults.ServeStaleFor),
            KeepVanished = tags.Flag("keepVanished", defaults.KeepVanished),
        };
    }

    private void CheckAccess(MapSetting registry, string path)
    {
        var rules = registry.List("access");
        for (var i = 0; i < rules.Count; i++)
        {
            foreach (var action in (rules[i] as MapSetting).List("actions").OfType<ScalarSetting>().Where(a => a is { Bad: false, Text: "push" or "delete" }))
                problems.Add(action.Origin, $"{path}.access[{i}].actions", $"grants {action.Text}, and nobody may {action.Text} in a cache; write pull");
        }
    }

    // A pin that can't fit would be believed to hold something.
    private void CheckPins(MapSetting registry, string path, string upstreamNamespace)
    {
        if (upstreamNamespace != UpstreamBinder.Hub)
            return;
        var pins = registry.List("pin");
        for (var i = 0; i < pins.Count; i++)
        {
            if (pins[i] is ScalarSetting { Bad: false } pin && !pin.Text.Contains('/', StringComparison.Ordinal) && !pin.Text.StartsWith("**", StringComparison.Ordinal))
                problems.AddFinding(pin.Origin, $"{path}.pin[{i}]", $"fits nothing of Docker Hub, where every repository has two parts; did you mean library/{pin.Text}?");
        }
    }
}
