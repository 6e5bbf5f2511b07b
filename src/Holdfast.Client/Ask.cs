using System.Net.Http.Headers;

namespace Holdfast.Client;

/// <summary>A request that can be sent more than once: to the next place of a redirect, with a token, for the rest of a blob.</summary>
internal sealed record Ask(HttpMethod Method, Uri Target)
{
    public IReadOnlyList<string> Accept { get; init; } = [];

    /// <summary>Goes to the target's origin only, whatever a redirect says.</summary>
    public AuthenticationHeaderValue? Authorization { get; init; }

    /// <summary>Where to start; 0 asks for the whole.</summary>
    public long OffsetBytes { get; init; }

    public EntityTagHeaderValue? IfRange { get; init; }

    /// <param name="via">Who asks, after those of <see cref="ViaChain"/>, so that a request that goes round in a circle is found out; null: nobody of those.</param>
    public HttpRequestMessage ToRequest(Uri target, bool authorized, string? via)
    {
        var request = new HttpRequestMessage(Method, target);
        foreach (var type in Accept)
            request.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue(type));
        if (authorized)
            request.Headers.Authorization = Authorization;
        request.Headers.UserAgent.Add(new ProductInfoHeaderValue("holdfast", null));
        if (via is not null)
        {
            foreach (var before in ViaChain.Current)
                request.Headers.Via.Add(new ViaHeaderValue("1.1", before));
            request.Headers.Via.Add(new ViaHeaderValue("1.1", via));
        }
        // What a proxy packs has another length and can't be resumed.
        request.Headers.AcceptEncoding.Add(new StringWithQualityHeaderValue("identity"));
        if (OffsetBytes == 0)
            return request;
        request.Headers.Range = new RangeHeaderValue(OffsetBytes, null);
        if (IfRange is not null)
            request.Headers.IfRange = new RangeConditionHeaderValue(IfRange);
        return request;
    }
}

/// <summary>A response, whatever its status, or why there is none. Who gets it disposes the response.</summary>
/// <param name="Response">Null if there is a failure.</param>
/// <param name="Failure">Null if there is a response.</param>
/// <param name="Elsewhere">Did a redirect lead to another origin? Its challenges are not answered.</param>
internal readonly record struct Reply(HttpResponseMessage? Response, RegistryFailure? Failure, bool Elsewhere = false);
