using Holdfast.Bench.Data;

namespace Holdfast.Bench.Http;

/// <summary>A request without a body, and what its answer must be.</summary>
internal sealed record Question(string Method, Deed Deed, string Repository, string Path)
{
    public string Headers { get; init; } = "";

    public int Status { get; init; } = 200;

    /// <summary>Bytes of the answer's body; null: not known.</summary>
    public long? Length { get; init; }

    /// <summary>What the body must hash to; null: it isn't hashed.</summary>
    public string? Digest { get; init; }

    public bool IsBodiless => Method == "HEAD";

    /// <returns>The kind of error that the answer is; null: it is right.</returns>
    public string? FaultOf(ResponseReader response)
    {
        var hash = response.Hash?.GetHashAndReset();
        if (response.Status != Status)
            return $"status {response.Status}";
        if (Length is { } length && response.BodyBytes != length)
            return "wrong length";
        return Digest is not null && hash is not null && BlobSource.Name(hash) != Digest ? "wrong digest" : null;
    }
}
