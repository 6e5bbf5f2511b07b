namespace Holdfast.Server.Http;

/// <summary>The places of the protocol (dist-spec v1.1.1, "Endpoints") and our own beside them. Names appear as the metrics' route label.</summary>
internal enum RouteKind
{
    Unknown,

    /// <summary>end-1: <c>/v2/</c></summary>
    Base,

    /// <summary>end-2, end-10: <c>/v2/&lt;name&gt;/blobs/&lt;digest&gt;</c></summary>
    Blob,

    /// <summary>end-3, end-7, end-9: <c>/v2/&lt;name&gt;/manifests/&lt;reference&gt;</c></summary>
    Manifest,

    /// <summary>end-4, end-11: <c>/v2/&lt;name&gt;/blobs/uploads/</c></summary>
    Uploads,

    /// <summary>end-5, end-6, end-13, end-14: <c>/v2/&lt;name&gt;/blobs/uploads/&lt;session&gt;</c></summary>
    Upload,

    /// <summary>end-8: <c>/v2/&lt;name&gt;/tags/list</c></summary>
    Tags,

    /// <summary>end-12: <c>/v2/&lt;name&gt;/referrers/&lt;digest&gt;</c></summary>
    Referrers,

    /// <summary><c>/v2/_catalog</c> (Docker Registry HTTP API V2)</summary>
    Catalog,

    /// <summary><c>/token</c></summary>
    Token,

    /// <summary><c>/healthz</c></summary>
    Health,

    /// <summary><c>/readyz</c></summary>
    Ready,

    /// <summary><c>/metrics</c></summary>
    Metrics,

    /// <summary><c>/api/v1/…</c></summary>
    Admin,
}
