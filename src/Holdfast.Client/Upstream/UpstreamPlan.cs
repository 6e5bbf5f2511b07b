using System.Net;

namespace Holdfast.Client;

/// <summary>Where one cache gets its content from, and how long it waits. No record: its text would hold passwords.</summary>
public sealed class UpstreamPlan
{
    /// <summary>The cache's name, as metrics have it.</summary>
    public required string Cache { get; init; }

    /// <summary>The registry's name to clients; names without a slash get <c>library/</c> put before them if it is docker.io.</summary>
    public required string Namespace { get; init; }

    /// <summary>In the order in which they are asked, at least one. What the last one, the origin, says to be absent is.</summary>
    public required IReadOnlyList<UpstreamMirror> Mirrors { get; init; }

    /// <summary>May passwords go to token endpoints over plain http on other machines? On this one they always may.</summary>
    public bool PasswordOverPlainHttp { get; init; }

    /// <summary>A PEM file of authorities that are trusted beside those of the machine.</summary>
    public string? TrustFile { get; init; }

    /// <summary>What requests carry in <c>Via</c> (RFC 9110, 7.6.3), without the protocol's version; null: nothing.</summary>
    public string? Via { get; init; }

    /// <summary>May redirects and token realms lead to private, loopback or link-local addresses? Null: only if the mirror has none but such itself.</summary>
    public bool? PrivateRedirects { get; init; }

    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>From a request to its answer's head.</summary>
    public TimeSpan AnswerTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Without any byte of a body for this long, the connection is given up.</summary>
    public TimeSpan StallTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>At once, to one mirror; blobs take three quarters of them at most, so that they don't hold up what is small.</summary>
    public int MaxConnections { get; init; } = 64;

    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>A number from 0 to below 1 that spreads waits; null: of the system's randomness.</summary>
    public Func<double>? Jitter { get; init; }

    /// <summary>Finds a host's addresses; null: the system does.</summary>
    public Func<string, CancellationToken, ValueTask<IReadOnlyList<IPAddress>>>? Resolve { get; init; }

    /// <summary>Sends the requests, in place of connections to the mirrors; whoever gives it disposes it. Null: nothing does.</summary>
    public HttpMessageHandler? Handler { get; init; }

    /// <summary>Null: what the environment names (<c>http_proxy</c>, <c>https_proxy</c>, <c>all_proxy</c>, <c>no_proxy</c>).</summary>
    public IWebProxy? Proxy { get; init; }

    /// <summary>Told whenever a mirror goes to rest or is up again, in no order across threads; must be quick and throw nothing.</summary>
    public Action<MirrorState>? Changed { get; init; }
}

/// <summary>One address that serves the content. No record: its text would hold the password.</summary>
public sealed class UpstreamMirror
{
    /// <summary>http or https; a path is put before repository names.</summary>
    public required Uri Address { get; init; }

    /// <summary>Null: nobody. Goes to this address and its token endpoint only.</summary>
    public string? Username { get; init; }

    public string? Password { get; init; }

    /// <summary>Asked for the password whenever it is wanted; null: <see cref="Password"/>.</summary>
    public Func<string>? ReadPassword { get; init; }
}
