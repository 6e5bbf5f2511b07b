using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Holdfast.Server;

namespace Holdfast.Configuration;

internal sealed class ListenerBinder(
    MapSetting root, List<BoundRegistry> registries, Problems problems, List<string> notes, TimeProvider time)
{
    private static readonly ListenerAddress DefaultAddress = new(false, IPAddress.Loopback, 5000);

    private readonly List<(ListenerAddress Address, Origin Origin)> addresses = [];
    private readonly HashSet<string> served = new(StringComparer.Ordinal);

    // A listener whose registry can't be told may be the one that serves what nobody else seems to.
    private bool someUnclear;

    public List<ListenerOptions> Bind()
    {
        var listeners = new List<ListenerOptions>();
        if (root.Find("listeners") is null)
            BindDefault(listeners);
        var items = root.List("listeners");
        for (var i = 0; i < items.Count; i++)
        {
            if (items[i] is MapSetting { Bad: false } map && BindOne(map, $"listeners[{i}]") is { } listener)
                listeners.Add(listener);
            else
                someUnclear = true;
        }

        if (!someUnclear && root.Find("listeners") is not { Bad: true })
        {
            foreach (var idle in registries.Where(r => !served.Contains(r.Name)))
                problems.Add(idle.Origin, idle.Path, "no listener serves it; add a listener with `registry: " + idle.Name + "`, or remove it");
        }

        return listeners;
    }

    private void BindDefault(List<ListenerOptions> listeners)
    {
        if (registries.Count > 1)
        {
            problems.Add(root.Origin, "listeners", $"missing; with several registries, give one listener for each of {string.Join(", ", registries.Select(r => r.Name))}");
            someUnclear = true;
            return;
        }

        served.Add(registries[0].Name);
        listeners.Add(new ListenerOptions { Url = DefaultAddress.Url, Registry = registries[0].Name });
    }

    private ListenerOptions? BindOne(MapSetting map, string path)
    {
        var registry = BindRegistry(map, path);
        foreach (var one in registry)
            served.Add(one.Name);
        someUnclear |= registry.Count == 0;
        var tls = BindTls(map, path);
        if (map.Find("url") is null)
            problems.Add(map.Origin, $"{path}.url", "missing; write for example http://127.0.0.1:5000");
        if (map.Scalar("url") is not { } url || ListenerAddress.Parse(url.Text, out var address) is not null || address is null)
            return null;
        CheckScheme(map, url, address, path);
        CheckCollision(url, address, path);
        if (registry.Count == 0)
            return null;
        foreach (var one in registry)
            CheckOpen(url, address, one, path);
        return new ListenerOptions { Url = address.Url, Registry = map.Text("registry") ?? registry[0].Name, Tls = tls };
    }

    // None if it can't be told.
    private List<BoundRegistry> BindRegistry(MapSetting map, string path)
    {
        if (map.Find("registry") is not { } setting)
        {
            if (registries.Count == 1)
                return registries;
            problems.Add(map.Origin, $"{path}.registry", $"missing; name one of {string.Join(", ", registries.Select(r => r.Name))}");
            return [];
        }

        if (map.Text("registry") is not { } name)
            return [];
        if (name == ListenerOptions.EveryCache)
            return BindEveryCache(setting, path);
        if (registries.Find(r => r.Name == name) is { } found)
            return [found];
        var near = NearestName.Find(name, registries.Select(r => r.Name));
        problems.Add(setting.Origin, $"{path}.registry", near is null
            ? $"no registry {Problems.Quote(name)}; known are {string.Join(", ", registries.Select(r => r.Name))}"
            : $"no registry {Problems.Quote(name)}; did you mean {near}?");
        return [];
    }

    private List<BoundRegistry> BindEveryCache(Setting setting, string path)
    {
        var caches = registries.FindAll(r => r.Options.Cache is not null);
        // One that isn't right yet may be the cache.
        if (caches.Count == 0 && registries.TrueForAll(r => !r.IsUnclear))
            problems.Add(setting.Origin, $"{path}.registry", "\"*\" serves every cache, and there is none; name a registry, or make one of the kind cache");
        return caches;
    }

    private TlsOptions? BindTls(MapSetting map, string path)
    {
        if (map.Map("tls") is not { } tls)
            return null;
        foreach (var missing in ((string[])["certificate", "key"]).Where(k => tls.Find(k) is null))
            problems.Add(tls.Origin, $"{path}.tls.{missing}", "missing; TLS needs a certificate and its key");
        var fine = CheckFile(tls, "certificate", path) & CheckFile(tls, "key", path);
        if (!fine || tls.FullPath("certificate") is not { } certificate || tls.FullPath("key") is not { } key)
            return null;
        CheckPair(tls.Origin, path, certificate, key);
        return new TlsOptions(certificate, key);
    }

    private bool CheckFile(MapSetting tls, string name, string path)
    {
        if (tls.FullPath(name) is not { } file)
            return false;
        if (ReadableFile.Fault(file) is not { } fault)
            return true;
        problems.Add(tls.Find(name)!.Origin, $"{path}.tls.{name}", fault);
        return false;
    }

    private void CheckPair(Origin origin, string path, string certificate, string key)
    {
        try
        {
            using var pair = X509Certificate2.CreateFromPemFile(certificate, key);
            if (pair.NotAfter.ToUniversalTime() < time.GetUtcNow().UtcDateTime)
                problems.AddFinding(origin, $"{path}.tls.certificate", $"expired on {pair.NotAfter.ToUniversalTime():yyyy-MM-dd}");
        }
        catch (Exception e) when (e is CryptographicException or ArgumentException or IOException)
        {
            problems.Add(origin, $"{path}.tls", $"certificate and key can't be used together: {e.Message.ReplaceLineEndings(" ")}");
        }
    }

    private void CheckScheme(MapSetting map, ScalarSetting url, ListenerAddress address, string path)
    {
        if (address.IsHttps && map.Find("tls") is null)
            problems.Add(url.Origin, $"{path}.tls", "missing; https needs tls: { certificate: …, key: … }");
        if (!address.IsHttps && map.FindEntry("tls") is { } tls)
            problems.Add(tls.Origin, $"{path}.tls", $"given for {url.Text}; write https://, or remove tls");
    }

    private void CheckCollision(ScalarSetting url, ListenerAddress address, string path)
    {
        if (addresses.Find(a => a.Address.Collides(address)) is { Address: not null } other)
            problems.Add(url.Origin, $"{path}.url", $"port {address.Port} is taken by the listener {other.Address.Url.OriginalString} at {other.Origin.Text}");
        addresses.Add((address, url.Origin));
    }

    private string Remedy(BoundRegistry registry) => root.Origin.Line is null && root.Find("registries") is null
        ? $"add --set registries.{registry.Name}.auth=none to serve it open to everyone, or --set registries.{registry.Name}.auth.htpasswd=FILE"
        : $"write `auth: none` under registries.{registry.Name} to serve it open to everyone, or give an htpasswd";

    // No authentication beyond loopback must be asked for by name.
    private void CheckOpen(ScalarSetting url, ListenerAddress address, BoundRegistry registry, string path)
    {
        if (address.IsLoopback)
            return;
        if (registry.Options.Auth is null && !registry.SaysNone)
            problems.Add(url.Origin, $"{path}.url", $"{address.Url.OriginalString} is reachable by others, and registry {registry.Name} has no users; {Remedy(registry)}");
        else if (registry.Options is { Auth: null, Cache: { } cache })
            notes.Add($"{address.Url.OriginalString} serves cache {registry.Name} to everyone who can reach it: anyone may pull {(cache.Upstream.Username is { } user ? $"what {user} may pull of {cache.Upstream.Namespace}" : "through it")}");
        else if (registry.Options.Auth is null)
            notes.Add($"{address.Url.OriginalString} serves registry {registry.Name} to everyone who can reach it: anyone may push and delete");
        else if (!address.IsHttps)
            notes.Add($"{address.Url.OriginalString} takes passwords over plain http; put TLS in front of it, or use https");
    }
}
