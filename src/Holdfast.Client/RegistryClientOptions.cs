using System.Net;

namespace Holdfast.Client;

/// <summary>Which registry, who asks, and how long is waited. No record: its text would hold the password.</summary>
public sealed class RegistryClientOptions
{
    /// <summary>http or https; a path is put before repository names.</summary>
    public required Uri Registry { get; init; }

    /// <summary>Null: nobody.</summary>
    public string? Username { get; init; }

    public string? Password { get; init; }

    /// <summary>Asked for the password whenever the registry or its token endpoint wants it, so that one that was changed is followed; null: <see cref="Password"/>.</summary>
    public Func<string>? ReadPassword { get; init; }

    /// <summary>A Bearer token that is sent from the first request on, in place of name and password; null: none.</summary>
    public string? Token { get; init; }

    /// <summary>Only for an address that this process itself listens at.</summary>
    public bool AcceptAnyCertificate { get; init; }

    /// <summary>A PEM file of authorities that are trusted beside those of the machine.</summary>
    public string? TrustFile { get; init; }

    /// <summary>Null: none, whatever the environment names.</summary>
    public IWebProxy? Proxy { get; init; } = new OutwardProxy();

    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>For the connection and its TLS handshake, each.</summary>
    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Without any byte for this long, the connection is given up.</summary>
    public TimeSpan StallTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>From a request, connection included, to its answer's head; null: as <see cref="StallTimeout"/>.</summary>
    public TimeSpan? AnswerTimeout { get; init; }

    /// <summary>A blob of which fewer bytes a second come, over a minute of waiting for them, is given up: bytes that drip would else hold a caller for ever. 0: whatever comes, comes.</summary>
    public long MinBytesPerSecond { get; init; }

    /// <summary>For all of a manifest, a token or a page of a list, so that a drip of bytes can't hold a caller for ever.</summary>
    public TimeSpan DocumentTimeout { get; init; } = TimeSpan.FromMinutes(2);

    /// <summary>How often a blob's broken transfer is taken up again without a mebibyte of progress in between.</summary>
    public int MaxResumes { get; init; } = 5;

    /// <summary>Before the first of these; each next wait is twice as long, up to 30 seconds.</summary>
    public TimeSpan ResumeDelay { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>How often in a row a transfer may end early without one new byte before it is given up: what a registry lost does not come by asking again.</summary>
    public int MaxEmptyTries { get; init; } = int.MaxValue;

    /// <summary>How long one request may wait in all while the registry answers 429, or 503 with Retry-After.</summary>
    public TimeSpan Patience { get; init; } = TimeSpan.Zero;

    /// <summary>How often a request that got no answer or a 5xx is sent again, with waits as for <see cref="ResumeDelay"/>.</summary>
    public int Retries { get; init; }

    /// <summary>After so many requests in a row without any answer the registry is taken for gone: most requests then fail at once.</summary>
    public int GoneAfter { get; init; } = int.MaxValue;

    /// <summary>Told of each wait that the registry asked for, with its answer.</summary>
    public Action<TimeSpan, string>? Waiting { get; init; }

    /// <summary>May name and password go over plain http to another machine? To this one they always may.</summary>
    public bool PasswordOverPlainHttp { get; init; } = true;

    /// <summary>At once, to one host.</summary>
    public int MaxConnections { get; init; } = 16;

    /// <summary>How long a connection takes new requests. Names are resolved for new connections, so this is when a host that moved is found at the latest.</summary>
    public TimeSpan ConnectionLifetime { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Finds a host's addresses; null: the system does.</summary>
    public Func<string, CancellationToken, ValueTask<IReadOnlyList<IPAddress>>>? Resolve { get; init; }

    /// <summary>Sends the requests, in place of connections of this client's own; whoever gives it disposes it. Null: nothing does.</summary>
    public HttpMessageHandler? Handler { get; init; }

    /// <summary>
    /// May redirects and token realms at another origin lead to private, loopback or link-local addresses? Null: only if the registry has none but such itself.
    /// Behind a proxy only addresses are checked: what a name means there, the proxy decides.
    /// </summary>
    public bool? PrivateRedirects { get; init; } = true;

    /// <summary>What requests carry in <c>Via</c> (RFC 9110, 7.6.3), without the protocol's version; null: nothing.</summary>
    public string? Via { get; init; }

    /// <summary>A number from 0 to below 1, by which waits before resuming are shortened by up to a half; null: they are not.</summary>
    public Func<double>? Jitter { get; init; }

    /// <summary>Asked before a transfer that got no new byte is taken up again; null: <see cref="MaxResumes"/> alone decides.</summary>
    internal Func<bool>? MayRetry { get; init; }

    /// <summary>Told what came of each request, redirects followed, and how long its answer's head took.</summary>
    internal Action<Reply, TimeSpan>? Answered { get; init; }

    /// <summary>Told of bytes of content as they come.</summary>
    internal Action<int>? Received { get; init; }
}
