using System.Security.Cryptography;
using System.Text;

namespace Holdfast.Nodes;

/// <summary>One hosts.toml: how a node reaches the registry of one name.</summary>
/// <param name="Folder">The folder's name: host, or host:port, as it stands in images' names.</param>
/// <param name="Registry">Holdfast's name for what is asked first.</param>
/// <param name="Server">Asked last.</param>
/// <param name="Mirror">Asked first.</param>
internal sealed record HostsFile(string Folder, string Registry, Uri Server, Uri Mirror)
{
    public const string Name = "hosts.toml";

    private const string Mark = "# Written by `holdfast containerd hosts`; written anew unless it was changed since. ";

    /// <summary>Is it the registry itself that is asked first, to which clients also push?</summary>
    public bool TakesPushes { get; init; }

    /// <summary>A file on the node; null: what the node trusts anyway.</summary>
    public string? Authority { get; init; }

    public bool SkipsVerification { get; init; }

    public string Path => System.IO.Path.Combine(Folder, Name);

    /// <summary>Was this text written by <see cref="Write"/>, and not changed since?</summary>
    public static bool IsOurs(string text)
    {
        var end = text.IndexOf('\n', StringComparison.Ordinal);
        return end > 0 && text.StartsWith(Mark, StringComparison.Ordinal) && text[..end] == Mark + Sum(text[(end + 1)..]);
    }

    public string Write()
    {
        var text = new StringBuilder();
        var hasPath = Server.AbsolutePath != "/";
        text.Append($"server = {Quote(hasPath ? $"{Authorities(Server)}/v2{Server.AbsolutePath.TrimEnd('/')}" : Authorities(Server))}\n");
        // A registry whose repositories have something before their names; containerd would put the protocol's /v2 behind it.
        if (hasPath)
            text.Append("override_path = true\n");
        if (Server.Authority == Mirror.Authority)
            AppendTls(text, Server, "");
        text.Append($"\n[host.{Quote(Authorities(Mirror))}]\n");
        text.Append($"  capabilities = [{(TakesPushes ? "\"pull\", \"resolve\", \"push\"" : "\"pull\", \"resolve\"")}]\n");
        AppendTls(text, Mirror, "  ");
        return $"{Mark}{Sum(text.ToString())}\n{text}";
    }

    // With cleartext and any of these, containerd would try TLS first.
    private void AppendTls(StringBuilder text, Uri url, string indent)
    {
        if (url.Scheme != "https")
            return;
        if (Authority is not null)
            text.Append($"{indent}ca = {Quote(Authority)}\n");
        if (SkipsVerification)
            text.Append($"{indent}skip_verify = true\n");
    }

    private static string Authorities(Uri url) => url.GetLeftPart(UriPartial.Authority);

    private static string Quote(string text) =>
        $"\"{text.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal)}\"";

    private static string Sum(string text) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)))[..16];
}
