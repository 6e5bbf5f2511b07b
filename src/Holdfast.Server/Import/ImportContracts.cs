using Holdfast.Storage.Acceptance;

namespace Holdfast.Server.Import;

/// <summary>The body of <c>POST /api/v1/import/look</c>.</summary>
/// <param name="Registry">May be left out where there is only one.</param>
/// <param name="Blobs">Of any repository: what is asked is whether their bytes are needed.</param>
public sealed record ImportQuestion(
    string? Registry = null, string? Repository = null, IReadOnlyList<string>? Manifests = null, IReadOnlyList<string>? Tags = null, IReadOnlyList<ImportContent>? Blobs = null);

public sealed record ImportContent(string Digest, long SizeBytes);

/// <param name="Registry">Its name.</param>
/// <param name="Manifests">Those that the repository has, with nothing known to be wrong.</param>
/// <param name="Tags">Where those point that are there.</param>
/// <param name="Blobs">Those whose bytes are there.</param>
public sealed record ImportKnown(string Registry, IReadOnlyList<string> Manifests, IReadOnlyDictionary<string, string> Tags, IReadOnlyList<string> Blobs);

/// <summary>The body of <c>POST /api/v1/import/blobs</c>.</summary>
public sealed record ImportBlobs(IReadOnlyList<ImportBlob> Blobs, string? Registry = null);

/// <param name="Repositories">That are to see it.</param>
/// <param name="Upload">The name of a whole file in the data folder's <c>uploads/</c>, an id in the form of a GUID; null: its bytes are there.</param>
/// <param name="Trusted">Its bytes are hashed by the first pull or the scrub, not now.</param>
public sealed record ImportBlob(string Digest, long SizeBytes, IReadOnlyList<string> Repositories, string? Upload = null, bool Trusted = false);

public sealed record ImportBlobsResult(IReadOnlyList<ImportBlobResult> Blobs);

/// <param name="Problem">For people; null: none.</param>
public sealed record ImportBlobResult(string Digest, BlobReceiptOutcome Outcome, string? Problem);

/// <summary>The body of <c>POST /api/v1/import/manifests</c>.</summary>
/// <param name="Manifests">Children before the indexes over them.</param>
/// <param name="ReplaceTags">Move tags, too, that a client has put here or that are of later?</param>
public sealed record ImportManifests(IReadOnlyList<ImportManifest> Manifests, string? Registry = null, bool ReplaceTags = false);

/// <param name="Payload">The bytes; null: it is there, and only its tags are meant.</param>
/// <param name="MediaType">As its source states it; null: the bytes say it.</param>
/// <param name="PushedAt">To its source; null: nobody knows.</param>
public sealed record ImportManifest(
    string Repository, string Digest, byte[]? Payload = null, string? MediaType = null, DateTimeOffset? PushedAt = null, IReadOnlyList<ImportTag>? Tags = null);

public sealed record ImportTag(string Tag, DateTimeOffset? PushedAt = null);

public sealed record ImportManifestsResult(IReadOnlyList<ImportManifestResult> Manifests);

/// <param name="Missing">What it refers to and isn't there.</param>
public sealed record ImportManifestResult(
    string Repository, string Digest, ManifestReceiptOutcome Outcome, string? Problem, IReadOnlyList<string> Missing, IReadOnlyList<ImportTagResult> Tags);

/// <param name="Present">Where a tag that stays points.</param>
public sealed record ImportTagResult(string Tag, TagReceiptOutcome Outcome, string? Present);
