using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Microsoft.AspNetCore.Http;

namespace Holdfast.Server.Http;

/// <summary>Reads the JSON object that an administration request carries, and says of a wrong one what is wrong with it.</summary>
internal static class AdminBody
{
    /// <summary>Far more than any command says; what is larger wasn't meant for here (P10).</summary>
    public const int MaxBytes = 64 * 1024;

    /// <exception cref="AdminException">The body is too large, not JSON, or not such an object.</exception>
    public static async ValueTask<T> ReadAsync<T>(RegistryRequest request)
    {
        var body = await ReadAllAsync(request);
        // No body says nothing, as an empty object does.
        return Parse<T>(body.IsEmpty ? "{}"u8.ToArray() : body);
    }

    private static async ValueTask<ReadOnlyMemory<byte>> ReadAllAsync(RegistryRequest request)
    {
        var http = request.Context.Request;
        if (http.ContentLength > MaxBytes)
            throw TooLarge();
        var buffer = new byte[MaxBytes + 1];
        var length = 0;
        int read;
        while (length < buffer.Length && (read = await request.ReadBodyAsync(buffer.AsMemory(length))) > 0)
            length += read;
        if (length > MaxBytes)
            throw TooLarge();
        // A page in a browser can send a form or plain text anywhere, but JSON only where it is allowed to.
        if (length > 0 && !IsJson(http.ContentType))
            throw Invalid($"the body is to be JSON, with Content-Type: {AdminJson.ContentType} (curl --json does that)");
        return buffer.AsMemory(0, length);
    }

    private static bool IsJson(string? contentType) =>
        contentType is not null && contentType.Split(';')[0].Trim().Equals(AdminJson.ContentType, StringComparison.OrdinalIgnoreCase);

    private static T Parse<T>(ReadOnlyMemory<byte> body)
    {
        try
        {
            using var document = JsonDocument.Parse(body, new JsonDocumentOptions { AllowDuplicateProperties = false });
            if (document.RootElement.ValueKind != JsonValueKind.Object)
                throw Invalid("the body is to be one JSON object");
            CheckMembers(document.RootElement, AdminJson.Requests.GetTypeInfo(typeof(T)));
            return Deserialize<T>(document);
        }
        catch (JsonException e)
        {
            throw Invalid($"the body is not right JSON (line {(e.LineNumber ?? 0) + 1}, byte {(e.BytePositionInLine ?? 0) + 1}): {FirstSentence(e.Message)}");
        }
    }

    private static T Deserialize<T>(JsonDocument document)
    {
        try
        {
            return document.Deserialize<T>(AdminJson.Requests)!;
        }
        catch (JsonException e)
        {
            var member = e.Path is { Length: > 2 } path ? path[2..] : "body";
            throw Invalid($"{member}: not a value that it can have");
        }
    }

    private static void CheckMembers(JsonElement body, JsonTypeInfo type)
    {
        var given = body.EnumerateObject().Select(member => member.Name).ToHashSet(StringComparer.Ordinal);
        var known = type.Properties.Select(property => property.Name).ToList();
        var unknown = given.Except(known, StringComparer.Ordinal).Order(StringComparer.Ordinal).ToList();
        if (unknown.Count > 0)
        {
            throw Invalid($"unknown member {string.Join(", ", unknown.Select(name => $"'{Shorten(name)}'"))}; "
                + (known.Count == 0 ? "none are known here" : $"known are {string.Join(", ", known.Order(StringComparer.Ordinal))}"));
        }
        var missing = type.Properties.Where(property => property.IsRequired && !given.Contains(property.Name)).Select(property => $"'{property.Name}'").ToList();
        if (missing.Count > 0)
            throw Invalid($"missing member {string.Join(", ", missing)}");
    }

    private static string Shorten(string name) => name.Length <= 64 ? name : name[..64] + "...";

    // The rest of it repeats the position.
    private static string FirstSentence(string message) => message.Split(". ")[0].TrimEnd('.');

    private static AdminException Invalid(string message) => new(Outcome.AdminInvalid, message);

    private static AdminException TooLarge() => new(Outcome.RequestTooLarge, $"the body is larger than {MaxBytes} bytes, which is all that is read here");
}
