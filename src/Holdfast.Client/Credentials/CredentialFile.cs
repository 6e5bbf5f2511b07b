using System.Text;
using System.Text.Json;

namespace Holdfast.Client.Credentials;

/// <summary>Docker's <c>config.json</c>, or <c>auth.json</c> of podman, buildah and skopeo, which has the same form.</summary>
internal sealed class CredentialFile
{
    private const long MaxSizeBytes = 1 << 20;

    private readonly JsonElement _root;
    private readonly string _path;

    private CredentialFile(string path, JsonElement root) => (_path, _root) = (path, root);

    /// <returns>Null if there is no such file, or it can't be read, and then why.</returns>
    public static (CredentialFile? File, string? Problem) Open(string path)
    {
        try
        {
            if (!File.Exists(path))
                return (null, null);
            if (new FileInfo(path).Length > MaxSizeBytes)
                return (null, $"{path} is larger than {MaxSizeBytes} bytes, and was passed over");
            using var document = JsonDocument.Parse(File.ReadAllText(path), new JsonDocumentOptions { AllowTrailingCommas = true, CommentHandling = JsonCommentHandling.Skip });
            return document.RootElement.ValueKind == JsonValueKind.Object
                ? (new CredentialFile(path, document.RootElement.Clone()), null)
                : (null, $"{path} is no JSON object, and was passed over");
        }
        catch (JsonException e)
        {
            // Where, but not what: the text may be a password's.
            return (null, $"{path} is no JSON (line {e.LineNumber + 1}), and was passed over");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return (null, $"{path} can't be read: {Failures.Printable(e.Message)}");
        }
    }

    /// <summary>The program that knows the password of one host, as docker chooses it: the host's own before the one for all.</summary>
    public string? HelperFor(string host, IEnumerable<string> keys)
    {
        if (_root.TryGetProperty("credHelpers", out var helpers) && helpers.ValueKind == JsonValueKind.Object)
        {
            foreach (var key in keys.Prepend(host))
            {
                if (Text(helpers, key) is { Length: > 0 } name)
                    return name;
            }
        }
        return Text(_root, "credsStore") is { Length: > 0 } store ? store : null;
    }

    /// <summary>What stands in the file itself.</summary>
    /// <param name="keys">Under which of these names; the first that is there counts.</param>
    public (Credential? Found, string? Problem) Find(IEnumerable<string> keys)
    {
        if (!_root.TryGetProperty("auths", out var auths) || auths.ValueKind != JsonValueKind.Object)
            return (null, null);
        foreach (var key in keys)
        {
            var entry = auths.EnumerateObject().Where(one => string.Equals(Plain(one.Name), key, StringComparison.Ordinal)).Select(static one => one.Value).FirstOrDefault();
            if (entry.ValueKind != JsonValueKind.Object)
                continue;
            var read = Read(entry, key);
            if (read.Found is not null || read.Problem is not null)
                return read;
        }
        return (null, null);
    }

    /// <summary>A member's text; empty if it has none.</summary>
    public static string Text(JsonElement element, string name)
    {
        try
        {
            return element.ValueKind == JsonValueKind.Object && element.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString()! : "";
        }
        catch (InvalidOperationException)
        {
            // Half of a surrogate pair.
            return "";
        }
    }

    private (Credential? Found, string? Problem) Read(JsonElement entry, string key)
    {
        if (Text(entry, "auth") is { Length: > 0 } packed)
        {
            var bytes = new byte[packed.Length];
            if (!Convert.TryFromBase64String(packed, bytes, out var length))
                return (null, $"{_path}: what stands for {key} is no Base64; log in again");
            // docker pads with zero bytes.
            var text = Encoding.UTF8.GetString(bytes, 0, length).TrimEnd('\0');
            var colon = text.IndexOf(':', StringComparison.Ordinal);
            return colon > 0
                ? (new Credential(text[..colon], text[(colon + 1)..], _path), null)
                : (null, $"{_path}: what stands for {key} holds no name and password; log in again");
        }
        if (Text(entry, "username") is { Length: > 0 } user)
            return (new Credential(user, Text(entry, "password"), _path), null);
        return Text(entry, "identitytoken").Length > 0
            ? (null, $"{_path} has an identity token for {key}, which is not spoken here; give --user with a password or an access token")
            : (null, null);
    }

    // docker login wrote whole URLs once: https://index.docker.io/v1/.
    private static string Plain(string key)
    {
        var scheme = key.IndexOf("://", StringComparison.Ordinal);
        var rest = scheme < 0 ? key : key[(scheme + 3)..];
        return scheme < 0 ? rest.TrimEnd('/') : rest.TrimEnd('/').Replace("/v1", "", StringComparison.Ordinal).Replace("/v2", "", StringComparison.Ordinal);
    }
}
