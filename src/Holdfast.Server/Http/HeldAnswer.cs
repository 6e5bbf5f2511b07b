using Holdfast.Storage.Metadata;

namespace Holdfast.Server.Http;

internal static class HeldAnswer
{
    /// <summary>409: a delete that would break an edge (P3), naming the first holders and how many there are.</summary>
    public static Task FailHeldAsync(this RegistryRequest request, DeleteResult result, string message) =>
        request.FailAsync(Outcome.Held, message, json =>
        {
            json.WriteStartArray("holders"u8);
            foreach (var holder in result.Holders)
                json.WriteStringValue(holder.ToString());
            json.WriteEndArray();
            json.WriteNumber("holderCount"u8, result.HolderCount);
        });
}
