namespace Tidy;

/// <param name="Versions">The versions of the specification that have the id.</param>
internal sealed record SpecId(string Id, string Meaning, params string[] Versions);

/// <summary>The distribution-spec's own numbers ("Endpoints" and "Error Codes"), and our promises.</summary>
internal static class SpecIds
{
    private const string V1 = "1.1.1";
    private const string Dev = "dev";

    public static IReadOnlyList<SpecId> All { get; } =
    [
        new("end-1", "`GET /v2/`", V1, Dev),
        new("end-2", "`GET`, `HEAD /v2/<name>/blobs/<digest>`", V1, Dev),
        new("end-3", "`GET`, `HEAD /v2/<name>/manifests/<reference>`", V1, Dev),
        new("end-4a", "`POST /v2/<name>/blobs/uploads/`", V1, Dev),
        new("end-4b", "`POST /v2/<name>/blobs/uploads/?digest=<digest>`", V1, Dev),
        new("end-4c", "`POST /v2/<name>/blobs/uploads/?digest-algorithm=<algorithm>`", Dev),
        new("end-5", "`PATCH <location>`", V1, Dev),
        new("end-6", "`PUT <location>?digest=<digest>`", V1, Dev),
        new("end-7", "`PUT /v2/<name>/manifests/<reference>`; in dev it is called end-7a", V1, Dev),
        new("end-7b", "`PUT /v2/<name>/manifests/<digest>?tag=1&tag=2`", Dev),
        new("end-8a", "`GET /v2/<name>/tags/list`", V1, Dev),
        new("end-8b", "`GET /v2/<name>/tags/list?n=<n>&last=<tag>`", V1, Dev),
        new("end-9", "`DELETE /v2/<name>/manifests/<reference>`", V1, Dev),
        new("end-10", "`DELETE /v2/<name>/blobs/<digest>`", V1, Dev),
        new("end-11", "`POST /v2/<name>/blobs/uploads/?mount=<digest>&from=<name>`", V1, Dev),
        new("end-12a", "`GET /v2/<name>/referrers/<digest>`", V1, Dev),
        new("end-12b", "`GET /v2/<name>/referrers/<digest>?artifactType=<type>`", V1, Dev),
        new("end-13", "`GET <location>`", V1, Dev),
        new("end-14", "`DELETE <location>`", Dev),
        new("code-1", "`BLOB_UNKNOWN`", V1, Dev),
        new("code-2", "`BLOB_UPLOAD_INVALID`", V1, Dev),
        new("code-3", "`BLOB_UPLOAD_UNKNOWN`", V1, Dev),
        new("code-4", "`DIGEST_INVALID`", V1, Dev),
        new("code-5", "`MANIFEST_BLOB_UNKNOWN`", V1, Dev),
        new("code-6", "`MANIFEST_INVALID`", V1, Dev),
        new("code-7", "`MANIFEST_UNKNOWN`", V1, Dev),
        new("code-8", "`NAME_INVALID`", V1, Dev),
        new("code-9", "`NAME_UNKNOWN`", V1, Dev),
        new("code-10", "`SIZE_INVALID`", V1, Dev),
        new("code-11", "`UNAUTHORIZED`", V1, Dev),
        new("code-12", "`DENIED`", V1, Dev),
        new("code-13", "`UNSUPPORTED`", V1, Dev),
        new("code-14", "`TOOMANYREQUESTS`", V1, Dev),
    ];

    public static IReadOnlyList<(string Name, string Meaning)> Promises { get; } =
    [
        ("P1", "Durable: what was answered with 201 survives a power cut"),
        ("P2", "Whole: a manifest enters only with everything that it refers to"),
        ("P3", "Held: what is referred to can't be deleted"),
        ("P4", "True: no answer carries wrong bytes"),
        ("P5", "Online: no work needs read-only mode or a restart"),
        ("P6", "Unknown is not absent"),
        ("P7", "Undoable: every delete can be undone for a time"),
        ("P8", "Evident: every finding is seen"),
        ("P9", "Loud configuration: a wrong file stops the start, with line and key"),
        ("P10", "Bounded: memory, connections, disk, sessions and logs have limits"),
    ];
}
