using Holdfast.Server.Http;

namespace Holdfast.Server.Auth;

/// <summary>Who may do what on one registry.</summary>
public sealed record AuthOptions
{
    /// <summary>An htpasswd file with bcrypt hashes, re-read when it changes.</summary>
    public required string HtpasswdFile { get; init; }

    /// <summary>What a caller without credentials may do to every repository: none, or pull.</summary>
    public RegistryActions Anonymous { get; init; }

    /// <summary>If empty, every user may pull, push and delete; else a user may do what the rules that name him grant together.</summary>
    public IReadOnlyList<AccessRule> Access { get; init; } = [];

    /// <summary>If set, callers are asked for Bearer tokens from the token endpoint; Basic is understood either way.</summary>
    public TokenOptions? Token { get; init; }
}

/// <param name="Users">Names from the htpasswd file; "*" is every verified user, "anonymous" a caller without credentials.</param>
/// <param name="Repositories">Patterns: ** any depth, * within one component.</param>
public sealed record AccessRule(IReadOnlyList<string> Users, IReadOnlyList<string> Repositories, RegistryActions Actions);

public sealed record TokenOptions
{
    /// <summary>The token endpoint's address as clients reach it; null: /token on the address that the client used.</summary>
    public Uri? Realm { get; init; }

    /// <summary>The service name in challenges and tokens (audience); null: the registry's name.</summary>
    public string? Service { get; init; }

    public TimeSpan Lifetime { get; init; } = TimeSpan.FromMinutes(5);
}
