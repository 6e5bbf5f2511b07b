using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Holdfast.Server;

namespace Holdfast.Configuration;

/// <summary>Reads where a cache is filled from.</summary>
internal sealed class UpstreamBinder(MapSetting upstream, string path, Problems problems, List<string> notes)
{
    public const string Hub = "docker.io";

    public const string HubUrl = "https://registry-1.docker.io";

    // A password is a line; this bounds what a mistaken path costs.
    private const int MaxPasswordBytes = 64 << 10;

    private static readonly string[] HubHosts = ["registry-1.docker.io", "index.docker.io", "registry.hub.docker.com", Hub];

    // Pages about Docker Hub, which answer nothing that a registry does.
    private static readonly string[] HubPages = [Hub, "hub.docker.com", "www.docker.com", "docker.com"];

    /// <returns>Null if no URL is right.</returns>
    public UpstreamOptions? Bind()
    {
        CheckLogin();
        CheckTrust();
        var given = BindUrls();
        foreach (var (url, origin, key) in given)
            CheckUrl(url, origin, key);
        if (given.Count == 0)
            return null;
        var defaults = new UpstreamOptions { Urls = [.. given.Select(one => one.Url)], Namespace = BindNamespace(given[^1].Url) };
        CheckUnneeded(defaults.Urls);
        return defaults with
        {
            Username = upstream.Text("username"),
            PasswordFile = upstream.FullPath("passwordFile"),
            TrustFile = upstream.FullPath("ca"),
            Insecure = upstream.Flag("insecure", defaults.Insecure),
            PrivateRedirects = upstream.Text("privateRedirects") is { } redirects ? redirects == "true" : null,
            ConnectTimeout = upstream.Duration("connectTimeout", defaults.ConnectTimeout),
            AnswerTimeout = upstream.Duration("answerTimeout", defaults.AnswerTimeout),
            StallTimeout = upstream.Duration("stallTimeout", defaults.StallTimeout),
            MaxConnections = upstream.Number("connections", defaults.MaxConnections),
        };
    }

    /// <summary>Docker Hub is reached by one name and called by another.</summary>
    public static string NamespaceOf(Uri url) => HubHosts.Contains(url.Host, StringComparer.OrdinalIgnoreCase) ? Hub : url.Authority.ToLowerInvariant();

    private List<(Uri Url, Origin Origin, string Key)> BindUrls()
    {
        if (upstream.FindEntry("urls") is { } both && upstream.Find("url") is not null)
            problems.Add(both.Origin, $"{path}.urls", "given beside url; put all of them into urls, in the order in which they are tried");
        var given = new List<(Uri, Origin, string)>();
        if (upstream.Scalar("url") is { } one)
            given.Add((new Uri(one.Text), one.Origin, $"{path}.url"));
        var urls = upstream.List("urls");
        for (var i = 0; i < urls.Count; i++)
        {
            if (urls[i] is ScalarSetting { Bad: false } url)
                given.Add((new Uri(url.Text), url.Origin, $"{path}.urls[{i}]"));
        }

        // What is there and was reported as wrong is not missing.
        if (upstream.Find("url") is null && upstream.Find("urls") is null && !upstream.Entries.Any(e => e.Value.Bad))
            problems.Add(upstream.Origin, $"{path}.url", $"missing; write for example {HubUrl}");
        foreach (var twice in given.GroupBy(one => one.Item1.AbsoluteUri, StringComparer.Ordinal).Where(same => same.Count() > 1).Select(same => same.Last()))
            problems.AddFinding(twice.Item2, twice.Item3, "given twice; remove one");
        return given;
    }

    private void CheckUrl(Uri url, Origin origin, string key)
    {
        if (HubPages.Contains(url.Host, StringComparer.OrdinalIgnoreCase))
            problems.Add(origin, key, $"{Problems.Quote(url.OriginalString)} is a website; Docker Hub's registry is {HubUrl}");
        else if (url is { Scheme: "http", IsLoopback: false } && upstream.Find("insecure") is not { Bad: true } && !upstream.Flag("insecure", false))
            problems.Add(origin, key, $"{Problems.Quote(url.OriginalString)} would be asked over plain http, where anyone on the way can read along and send something else; write https, or `insecure: true` beside it");
        else if (url is { Scheme: "http", IsLoopback: false } && upstream.Find("passwordFile") is not null)
            notes.Add($"upstream {url.OriginalString} gets a password over plain http; use https");
    }

    private void CheckUnneeded(IReadOnlyList<Uri> urls)
    {
        if (upstream.Flag("insecure", false) && urls.All(url => url.Scheme == "https" || url.IsLoopback))
            problems.AddFinding(upstream.Scalar("insecure")!.Origin, $"{path}.insecure", "does nothing: it allows plain http, and no URL needs it; for a certificate of your own authority give `ca`");
        if (upstream.Scalar("ca") is { } ca && urls.All(url => url.Scheme == "http"))
            problems.AddFinding(ca.Origin, $"{path}.ca", "does nothing: no URL is https");
    }

    private string BindNamespace(Uri last)
    {
        var own = NamespaceOf(last);
        if (upstream.Scalar("namespace") is not { } given)
            return own;
        var name = given.Text.ToLowerInvariant();
        if (name != Hub && HubHosts.Contains(name, StringComparer.Ordinal))
            problems.AddFinding(given.Origin, $"{path}.namespace", $"clients call Docker Hub {Hub}, whatever its address; write {Hub}, or remove the key");
        return name;
    }

    private void CheckLogin()
    {
        if (upstream.FindEntry("username") is { } username && upstream.Find("passwordFile") is null)
            problems.Add(username.Origin, $"{path}.passwordFile", "missing; username needs the password, in a file");
        if (upstream.FindEntry("passwordFile") is { } file && upstream.Find("username") is null)
            problems.Add(file.Origin, $"{path}.username", "missing; say whose password passwordFile holds");
        if (upstream.FullPath("passwordFile") is { } full && PasswordFault(full) is { } fault)
            problems.Add(upstream.Scalar("passwordFile")!.Origin, $"{path}.passwordFile", fault);
    }

    private static string? PasswordFault(string file)
    {
        if (ReadableFile.Fault(file) is { } fault)
            return fault;
        try
        {
            using var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            var bytes = new byte[MaxPasswordBytes];
            var read = bytes.AsSpan(0, stream.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false)).TrimEnd("\r\n"u8);
            if (read.IsEmpty)
                return $"{Problems.Quote(file)} is empty; write the password into it";
            return read.Length == MaxPasswordBytes || read.ContainsAny("\r\n"u8) ? $"{Problems.Quote(file)} has more than one line; it holds the password alone" : null;
        }
        catch (IOException e)
        {
            return $"{Problems.Quote(file)} can't be read: {e.Message}";
        }
    }

    private void CheckTrust()
    {
        if (upstream.FullPath("ca") is not { } file)
            return;
        var fault = ReadableFile.Fault(file) ?? CertificatesFault(file);
        if (fault is not null)
            problems.Add(upstream.Scalar("ca")!.Origin, $"{path}.ca", fault);
    }

    private static string? CertificatesFault(string file)
    {
        var certificates = new X509Certificate2Collection();
        try
        {
            certificates.ImportFromPemFile(file);
            return certificates.Count == 0 ? $"{Problems.Quote(file)} has no certificate in it; a PEM file has -----BEGIN CERTIFICATE-----" : null;
        }
        catch (Exception e) when (e is CryptographicException or ArgumentException or IOException)
        {
            return $"{Problems.Quote(file)} is not a PEM file with certificates: {e.Message.ReplaceLineEndings(" ")}";
        }
        finally
        {
            foreach (var certificate in certificates)
                certificate.Dispose();
        }
    }
}
