using Holdfast.Oci;

namespace Holdfast.Server.Http;

/// <summary>What can be answered instead of success. Each has its status and code in <see cref="Outcomes.Of"/>, and nowhere else.</summary>
internal enum Outcome
{
    BlobUnknown,
    ManifestUnknown,
    RepositoryUnknown,
    UploadUnknown,
    UploadBusy,
    UploadRangeMissed,
    UploadSizeWrong,
    UploadInvalid,
    DigestInvalid,
    NameInvalid,
    ManifestInvalid,
    ManifestTooLarge,
    ManifestEdgeMissing,
    TooManyTags,
    PageInvalid,
    RangeNotSatisfiable,
    Held,
    TagImmutable,
    AdminRouteUnknown,
    AdminNotFound,
    AdminInvalid,
    AdminConflict,
    AdminRefused,
    Unauthorized,
    Denied,
    SlowDown,
    TooManyUploads,
    MethodNotAllowed,
    RouteUnknown,
    UpstreamDenied,
    UpstreamBusy,
    UpstreamAway,
    UpstreamWrong,
    UpstreamLoop,
    StoreFull,
    StoreUnreadable,
    StoreAway,
    StoreUnwritable,
    RequestMalformed,
    RequestTimedOut,
    RequestTooLarge,
    Draining,
    Failed,
}

/// <summary>An outcome's status and error code.</summary>
/// <param name="Status">HTTP status.</param>
/// <param name="Code">
/// For 4XX one of dist-spec v1.1.1 "Error Codes"; for 5XX, where the specification leaves it open, and for the administration, which is none of its business, our own.
/// </param>
internal readonly record struct OutcomeAnswer(int Status, string Code);

internal static class Outcomes
{
    /// <summary>The one table from outcome to HTTP. No default: a new outcome without a row doesn't compile.</summary>
#pragma warning disable CS8524 // An unnamed enum value can't come here; a default arm would hide a forgotten named one.
    public static OutcomeAnswer Of(Outcome outcome) => outcome switch
    {
        Outcome.BlobUnknown => Answer(404, ErrorCode.BlobUnknown),
        Outcome.ManifestUnknown => Answer(404, ErrorCode.ManifestUnknown),
        Outcome.RepositoryUnknown => Answer(404, ErrorCode.NameUnknown),
        Outcome.UploadUnknown => Answer(404, ErrorCode.BlobUploadUnknown),
        Outcome.UploadBusy => Answer(409, ErrorCode.BlobUploadInvalid),
        Outcome.UploadRangeMissed => Answer(416, ErrorCode.BlobUploadInvalid),
        Outcome.UploadSizeWrong => Answer(400, ErrorCode.SizeInvalid),
        Outcome.UploadInvalid => Answer(400, ErrorCode.BlobUploadInvalid),
        Outcome.DigestInvalid => Answer(400, ErrorCode.DigestInvalid),
        Outcome.NameInvalid => Answer(400, ErrorCode.NameInvalid),
        Outcome.ManifestInvalid => Answer(400, ErrorCode.ManifestInvalid),
        Outcome.ManifestTooLarge => Answer(413, ErrorCode.ManifestInvalid),
        Outcome.ManifestEdgeMissing => Answer(400, ErrorCode.ManifestBlobUnknown),
        Outcome.TooManyTags => Answer(414, ErrorCode.Unsupported),
        Outcome.PageInvalid => Answer(400, ErrorCode.Unsupported),
        Outcome.RangeNotSatisfiable => Answer(416, ErrorCode.Unsupported),
        Outcome.Held => Answer(409, ErrorCode.Denied),
        Outcome.TagImmutable => Answer(409, ErrorCode.Denied),
        Outcome.AdminRouteUnknown => new OutcomeAnswer(404, "ROUTE_UNKNOWN"),
        Outcome.AdminNotFound => new OutcomeAnswer(404, "NOT_FOUND"),
        Outcome.AdminInvalid => new OutcomeAnswer(400, "INVALID"),
        Outcome.AdminConflict => new OutcomeAnswer(409, "CONFLICT"),
        Outcome.AdminRefused => Answer(403, ErrorCode.Denied),
        Outcome.Unauthorized => Answer(401, ErrorCode.Unauthorized),
        Outcome.Denied => Answer(403, ErrorCode.Denied),
        Outcome.SlowDown => Answer(429, ErrorCode.TooManyRequests),
        Outcome.TooManyUploads => Answer(429, ErrorCode.TooManyRequests),
        Outcome.MethodNotAllowed => Answer(405, ErrorCode.Unsupported),
        Outcome.RouteUnknown => Answer(404, ErrorCode.Unsupported),
        Outcome.RequestMalformed => Answer(400, ErrorCode.Unsupported),
        Outcome.RequestTimedOut => Answer(408, ErrorCode.Unsupported),
        Outcome.RequestTooLarge => Answer(413, ErrorCode.Unsupported),
        Outcome.UpstreamDenied => Answer(403, ErrorCode.Denied),
        Outcome.UpstreamBusy => Answer(429, ErrorCode.TooManyRequests),
        Outcome.UpstreamAway => new OutcomeAnswer(502, "UPSTREAM_UNAVAILABLE"),
        Outcome.UpstreamWrong => new OutcomeAnswer(502, "UPSTREAM_INVALID"),
        Outcome.UpstreamLoop => new OutcomeAnswer(508, "UPSTREAM_LOOP"),
        Outcome.StoreFull => new OutcomeAnswer(507, "INSUFFICIENT_STORAGE"),
        Outcome.StoreUnreadable => new OutcomeAnswer(500, "STORE_UNREADABLE"),
        Outcome.StoreAway => new OutcomeAnswer(503, "STORE_AWAY"),
        Outcome.StoreUnwritable => new OutcomeAnswer(503, "STORE_READ_ONLY"),
        Outcome.Draining => new OutcomeAnswer(503, "UNAVAILABLE"),
        Outcome.Failed => new OutcomeAnswer(500, "UNKNOWN"),
    };
#pragma warning restore CS8524

    private static OutcomeAnswer Answer(int status, ErrorCode code) => new(status, code.Text());
}
