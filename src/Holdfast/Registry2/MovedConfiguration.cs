using System.Globalization;
using System.Text;
using Holdfast.Configuration;

namespace Holdfast.Registry2;

/// <summary>Writes the new configuration.</summary>
internal sealed class MovedConfiguration(MoveRequest request, MovedWhole whole)
{
    private readonly StringBuilder _text = new();

    /// <summary>Where the users of a registry stand, beside the configuration.</summary>
    public static string HtpasswdName(string registry) => $"{registry}.htpasswd";

    public static string PasswordName(string registry) => $"{registry}.upstream.password";

    public string Write(IReadOnlyList<MovedFile> files)
    {
        Line(0, "# Made by `holdfast config from-registry2`. Check a change before it is used: holdfast config check --config FILE");
        Line(0, $"data: {Quote(request.Data)}");
        Line(0, "");
        Line(0, "listeners:");
        foreach (var file in files)
            Listener(file.Registry);
        Line(0, "");
        Line(0, "registries:");
        foreach (var file in files)
            Registry(file);
        Whole();
        return _text.ToString();
    }

    /// <summary>Text in YAML: plain where that can't be read as anything else.</summary>
    public static string Quote(string text)
    {
        var isPlain = text.Length > 0 && (char.IsAsciiLetter(text[0]) || text[0] == '/') && text[^1] != ':'
            && text.All(c => char.IsAsciiLetterOrDigit(c) || c is '/' or '.' or '-' or '_' or ':') && text.ToLowerInvariant() is not ("true" or "false" or "null" or "yes" or "no" or "on" or "off" or "y" or "n");
        return isPlain ? text : $"\"{text.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal)}\"";
    }

    private void Listener(MovedRegistry registry)
    {
        var listener = registry.Listener;
        Line(1, $"- url: {Quote(string.Create(CultureInfo.InvariantCulture, $"http{(listener.IsHttps ? "s" : "")}://{listener.Host}:{listener.Port}"))}");
        Line(1, $"  registry: {registry.Name}");
        if (listener.IsHttps)
            Line(1, $"  tls: {{ certificate: {Quote(listener.Certificate!)}, key: {Quote(listener.Key!)} }}");
    }

    private void Registry(MovedFile file)
    {
        var registry = file.Registry;
        Line(1, $"{registry.Name}:");
        Line(1, $"  kind: {(registry.Upstream is null ? "hosted" : "cache")}");
        if (registry.Upstream is { } upstream)
            Line(1, $"  upstream: {{ {Upstream(registry, upstream)} }}");
        if (registry.Access.IsOpen)
            Line(1, $"  auth: none");
        else
            Line(1, $"  auth: {{ htpasswd: {Quote(HtpasswdOf(file))}, anonymous: [{(registry.Access.AnonymousPull ? "pull" : "")}] }}");
        if (registry.Access is { Actions: { } actions, IsOpen: false })
        {
            Line(1, $"  access:");
            Line(1, $"    - {{ users: [\"*\"], repositories: [\"**\"], actions: [{string.Join(", ", actions)}] }}");
        }
    }

    // With a file of its own the configuration stands alone; without one, nothing is written but itself.
    private string HtpasswdOf(MovedFile file) =>
        request.Output is not null && file.Users is not { Lines.Count: 0, Left.Count: > 0 } ? HtpasswdName(file.Registry.Name)
        : file.Registry.Access.Htpasswd is { } old ? Path.GetFullPath(old) : HtpasswdName(file.Registry.Name);

    private static string Upstream(MovedRegistry registry, MovedUpstream upstream)
    {
        var parts = new List<string> { $"url: {Quote(upstream.Url)}", $"namespace: {Quote(upstream.Namespace)}" };
        // It was asked so before, too.
        if (new Uri(upstream.Url) is { Scheme: "http", IsLoopback: false })
            parts.Add("insecure: true");
        if (upstream.Username is { } user)
            parts.Add($"username: {Quote(user)}");
        if (upstream.Password is not null)
            parts.Add($"passwordFile: {Quote(PasswordName(registry.Name))}");
        return string.Join(", ", parts);
    }

    private void Whole()
    {
        if (whole.UploadAge is { } age)
            Section("uploads", $"maxAge: {Quantity.Format(age)}");
        if (whole.Drain is { } drain)
            Section("shutdown", $"drain: {Quantity.Format(drain)}");
        var log = new List<string>();
        if (whole.LogFormat is { } format)
            log.Add($"format: {format}");
        if (whole.LogLevel is { } level)
            log.Add($"level: {level}");
        if (!whole.AccessLog)
            log.Add("access: { enabled: false }");
        if (log.Count > 0)
            Section("log", string.Join(", ", log));
    }

    private void Section(string name, string content)
    {
        Line(0, "");
        Line(0, $"{name}: {{ {content} }}");
    }

    private void Line(int level, string text) => _text.Append(' ', text.Length == 0 ? 0 : level * 2).Append(text).Append('\n');
}
