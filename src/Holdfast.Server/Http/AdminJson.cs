using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;

namespace Holdfast.Server.Http;

/// <summary>
/// The JSON of the administration's interface: members in camelCase, words of enums in kebab-case, members without a value written as null, so that every
/// answer of a kind has the same members.
/// </summary>
public static class AdminJson
{
    public const string ContentType = "application/json";

    /// <summary>Long work: one JSON object a line.</summary>
    public const string StreamType = "application/x-ndjson";

    /// <summary>For answers. Readers pass over members that they don't know: a server may be newer than its client.</summary>
    public static JsonSerializerOptions Answers { get; } = Create();

    /// <summary>For requests: a member that isn't known, is missing or comes twice is an error, never silently something else.</summary>
    internal static JsonSerializerOptions Requests { get; } = new(Create())
    {
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
        AllowDuplicateProperties = false,
        RespectNullableAnnotations = true,
        RespectRequiredConstructorParameters = true,
    };

    private static JsonSerializerOptions Create() => new()
    {
        TypeInfoResolver = new DefaultJsonTypeInfoResolver(),
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        // Names and digests are readable as they are; this is no HTML.
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.KebabCaseLower, allowIntegerValues: false) },
    };
}
