using System.Text.Json;

namespace Holdfast.Client;

/// <summary>What a registry says about an error (dist-spec v1.1.1, "Error Codes").</summary>
internal static class ErrorBody
{
    private const int MaxSizeBytes = 16 << 10;

    /// <returns>Code and message of the first error; empty if the body has none or can't be had.</returns>
    public static async ValueTask<(string Code, string Text)> ReadAsync(RegistryClientOptions options, HttpResponseMessage response, CancellationToken token)
    {
        if (response.RequestMessage?.Method == HttpMethod.Head)
            return ("", "");
        var body = await BoundedBody.ReadAsync(options, response, MaxSizeBytes, token);
        return body.TryGet(out var bytes, out _) ? Read(bytes) : ("", "");
    }

    private static (string Code, string Text) Read(ReadOnlyMemory<byte> body)
    {
        try
        {
            using var document = JsonDocument.Parse(body);
            if (document.RootElement is not { ValueKind: JsonValueKind.Object } root
                || !root.TryGetProperty("errors", out var errors) || errors.ValueKind != JsonValueKind.Array || errors.GetArrayLength() == 0)
            {
                return ("", "");
            }
            var code = Failures.Printable(Text(errors[0], "code"));
            return (code, Failures.Printable($"{code} {Text(errors[0], "message")}".Trim()));
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            // No JSON, or a text with half of a surrogate pair.
            return ("", "");
        }
    }

    private static string Text(JsonElement error, string name) =>
        error.ValueKind == JsonValueKind.Object && error.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String
            ? value.GetString()!
            : "";
}
