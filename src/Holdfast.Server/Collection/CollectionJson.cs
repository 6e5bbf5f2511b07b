using System.Text.Json.Serialization;

namespace Holdfast.Server.Collection;

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(CollectionFigures))]
internal sealed partial class CollectionJson : JsonSerializerContext;
