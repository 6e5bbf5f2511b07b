using Holdfast.Configuration;

namespace Holdfast.Nodes;

/// <summary>Reads one hosts.toml as containerd does, and finds what it would not do as meant.</summary>
internal sealed class HostsReading(MapSetting toml, string path, string folder, string name, NodeFindings findings)
{
    private static readonly string[] HostKeys = ["capabilities", "ca", "client", "skip_verify", "header", "override_path", "dial_timeout"];

    private string Skipped => $"containerd skips the whole file, and asks {name} itself";

    public NodeHosts Read()
    {
        CheckKeys(toml, [.. HostKeys, "server", "host"]);
        var server = toml.Find("server") is ScalarSetting { IsQuoted: true, Text.Length: > 0 } text ? UrlOf(text.Text, text.Origin) : null;
        if (toml.Find("server") is { } given && given is not ScalarSetting { IsQuoted: true })
            findings.Add(given.Origin, "hostsType", $"server is no text; {Skipped}");
        CheckHost(toml, server);
        var mirrors = new List<NodeMirror>();
        if (toml.Find("host") is MapSetting { Entries.Count: > 0 } hosts)
        {
            foreach (var entry in hosts.Entries)
            {
                if (ReadHost(entry) is { } mirror)
                    mirrors.Add(mirror);
            }
        }
        else
        {
            findings.Add(toml.Find("host")?.Origin.Text ?? path, "noHostTable", toml.Find("host") is null or MapSetting
                ? "has no [host.\"…\"]: containerd 1.6 and 1.7 skip such a file; write one for the server, too"
                : $"host is no table; write [host.\"http://…\"]; {Skipped}");
        }

        return new NodeHosts(name, folder, mirrors, server);
    }

    private NodeMirror? ReadHost(MapSetting.Entry entry)
    {
        if (entry.Value is not MapSetting host)
        {
            findings.Add(entry.Value.Origin, "hostsType", $"host.{entry.Name} is no table; write [host.\"http://…\"], with the URL in quotes; {Skipped}");
            return null;
        }

        CheckKeys(host, HostKeys);
        var url = UrlOf(entry.Name, host.Origin);
        CheckHost(host, url);
        if (url is null)
            return null;
        var before = url.AbsolutePath.TrimEnd('/');
        var rest = host.Flag("override_path", false) || before.EndsWith("/v2", StringComparison.Ordinal) ? before : $"{before}/v2";
        return new NodeMirror(url, host.Origin)
        {
            SkipsVerification = host.Flag("skip_verify", false),
            Authorities = Authorities(host),
            Base = new Uri($"{url.GetLeftPart(UriPartial.Authority)}{rest}/"),
        };
    }

    private void CheckKeys(MapSetting table, string[] known)
    {
        foreach (var entry in table.Entries.Where(e => !known.Contains(e.Name, StringComparer.Ordinal)))
        {
            findings.Add(entry.Origin, "hostsKey", NearestName.Find(entry.Name, known) is { } near
                ? $"containerd knows no key {Problems.Quote(entry.Name)} here, and passes over it; did you mean {near}?"
                : $"containerd knows no key {Problems.Quote(entry.Name)} here, and passes over it; known are {string.Join(", ", known)}");
        }
    }

    private Uri? UrlOf(string text, Origin origin)
    {
        // As containerd does.
        var full = text.StartsWith("http", StringComparison.Ordinal) ? text : $"https://{text}";
        if (!Uri.TryCreate(full, UriKind.Absolute, out var url) || url.Scheme is not ("http" or "https") || url.Host.Length == 0)
        {
            findings.Add(origin, "hostsUrl", $"{Problems.Quote(text)} is no URL such as http://10.0.0.5:5000; {Skipped}");
            return null;
        }

        if (full != text)
            findings.Add(origin, "noScheme", $"{Problems.Quote(text)} has no scheme, and https is taken; write http:// or https:// before it");
        return url;
    }

    private void CheckHost(MapSetting host, Uri? url)
    {
        if (host.Find("capabilities") is { } capabilities && capabilities is not ListSetting)
            findings.Add(capabilities.Origin, "hostsType", $"capabilities is no list; write [\"pull\", \"resolve\"]; {Skipped}");
        foreach (var capability in host.List("capabilities").OfType<ScalarSetting>())
        {
            if (capability.Text.Equals("referrers", StringComparison.OrdinalIgnoreCase))
                findings.Add(capability.Origin, "capability", "before containerd 2.2 the capability referrers is not known, and the whole file skipped; leave it out");
            else if (capability.Text.ToLowerInvariant() is not ("pull" or "resolve" or "push"))
                findings.Add(capability.Origin, "capability", $"{Problems.Quote(capability.Text)} is no capability (pull, resolve, push); {Skipped}");
        }

        if (host.Find("skip_verify") is { } skip && skip is not ScalarSetting { IsQuoted: false, Text: "true" or "false" })
            findings.Add(skip.Origin, "hostsType", $"skip_verify is true or false, without quotes; {Skipped}");
        if (host.Find("override_path") is { } over && over is not ScalarSetting { IsQuoted: false, Text: "true" or "false" })
            findings.Add(over.Origin, "hostsType", $"override_path is true or false, without quotes; {Skipped}");
        if (url?.Scheme == "http" && host.Entries.FirstOrDefault(e => e.Name is "ca" or "client" or "skip_verify") is { } tls)
            findings.Add(tls.Origin, "tlsForHttp", $"{tls.Name} is for https, and {url.OriginalString} is http: containerd then tries https first at each pull; remove it");
        foreach (var file in Authorities(host).Where(file => ReadableFile.Fault(file) is not null))
            findings.Add(host.Find("ca")!.Origin, "caMissing", $"{ReadableFile.Fault(file)}: every pull of {name} fails");
    }

    private List<string> Authorities(MapSetting host)
    {
        var files = host.Find("ca") is ScalarSetting { IsQuoted: true } one ? [one.Text] : host.Texts("ca");
        return [.. files.Select(file => Path.GetFullPath(file, folder))];
    }
}
