using Microsoft.AspNetCore.Http;

namespace Holdfast.Server.Http;

internal static class RequestBody
{
    /// <summary>
    /// Reads the next bytes of a request's body. Whatever fails here is the client's or the line's doing, and never a fault of a store:
    /// Kestrel says some of it (a chunk size that overflows, a stream that was reset) with a bare <see cref="IOException"/>.
    /// </summary>
    /// <exception cref="BadHttpRequestException">The body is malformed, too slow, or broke off.</exception>
    public static async ValueTask<int> ReadBodyAsync(this RegistryRequest request, Memory<byte> buffer)
    {
        try
        {
            return await request.Context.Request.Body.ReadAsync(buffer, request.Aborted);
        }
        catch (IOException e) when (e is not BadHttpRequestException)
        {
            throw new BadHttpRequestException("the request's body broke off", e);
        }
    }
}
