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
    public static async ValueTask<T> ReadAsync<T>(RegistryRequest request, int maxBytes = MaxBytes)
    {
        var body = await ReadAllAsync(request, maxBytes);
        // No body says nothing, as an empty object does.
        return Parse<T>(body.IsEmpty ? "{}"u8.ToArray() : body);
    }

    private static async ValueTask<ReadOnlyMemory<byte>> ReadAllAsync(RegistryRequest request, int maxBytes)
    {
        var http = request.Context.Request;
        if (http.ContentLength > maxBytes)
            throw TooLarge(maxBytes);
        using var body = new MemoryStream();
        var chunk = new byte[8 * 1024];
        int read;
        while ((read = await request.ReadBodyAsync(chunk)) > 0)
        {
            if (body.Length + read > maxBytes)
                throw TooLarge(maxBytes);
            body.Write(chunk, 0, read);
        }
        // A page in a browser can send a form or plain text anywhere, but JSON only where it is allowed to.
        if (body.Length > 0 && !IsJson(http.ContentType))
            throw Invalid($"the body is to be JSON, with Content-Type: {AdminJson.ContentType} (curl --json does that)");
        return body.GetBuffer().AsMemory(0, (int)body.Length);
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
            // Members of the body itself were looked at before; this is one further in.
            throw Invalid(e.Message.Contains("could not be mapped", StringComparison.Ordinal) ? $"unknown member {member}" : $"{member}: not a value that it can have, or something is missing there");
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

    private static AdminException TooLarge(int maxBytes) => new(Outcome.RequestTooLarge, $"the body is larger than {maxBytes} bytes, which is all that is read here");
}
