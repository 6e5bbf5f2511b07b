using Holdfast.Storage.Metadata;

namespace Holdfast.Server.Trash;

/// <summary>Which deleted things are meant: all members that are given must fit. Also the query of <c>GET /api/v1/trash</c>.</summary>
public record TrashSelection
{
    public long? Id { get; init; }

    public string? Operation { get; init; }

    public string? Registry { get; init; }

    /// <summary>A name, or a pattern with its wildcard at the end: team/*, team/**.</summary>
    public string? Repository { get; init; }

    public string? Tag { get; init; }

    public string? Digest { get; init; }

    /// <summary>Deleted then or later: a time (UTC if it names no offset), or how long ago (90m, 2h, 3d).</summary>
    public string? Since { get; init; }

    /// <summary>Deleted before; like <see cref="Since"/>.</summary>
    public string? Until { get; init; }

    /// <summary>A retention run.</summary>
    public string? Run { get; init; }

    public DeletionCause? Cause { get; init; }
}

/// <summary>The body of <c>POST /api/v1/trash/restore</c>.</summary>
public sealed record RestoreRequest : TrashSelection
{
    /// <summary>Of all that fits, only what was deleted last: of a tag, or of a digest.</summary>
    public bool Latest { get; init; }

    /// <summary>The tag is put back under this name.</summary>
    public string? To { get; init; }

    /// <summary>A tag that points elsewhere by now goes to the trash for it.</summary>
    public bool Force { get; init; }

    public bool DryRun { get; init; }
}

/// <summary>The body of <c>POST /api/v1/trash/purge</c>.</summary>
public sealed record PurgeRequest : TrashSelection
{
    /// <summary>Everything, if nothing else says what.</summary>
    public bool All { get; init; }

    /// <summary>Nothing with a higher id: what was deleted since a dry run stays.</summary>
    public long? UpTo { get; init; }

    public bool DryRun { get; init; }
}
