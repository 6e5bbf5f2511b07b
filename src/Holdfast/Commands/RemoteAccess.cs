using System.Globalization;
using Holdfast.Client;
using Holdfast.Client.Credentials;

namespace Holdfast.Commands;

/// <summary>How a command reaches registries: what its options say, and what is found out for each.</summary>
internal sealed class RemoteAccess
{
    /// <summary>By --user; null: looked for where others keep theirs.</summary>
    public Credential? Given { get; init; }

    public string? Authority { get; init; }

    public bool PlainHttp { get; init; }

    public int Parallel { get; init; }

    public TimeSpan Patience { get; init; }

    /// <summary>Does the command have an option for that?</summary>
    public bool HasPatienceOption { get; init; } = true;

    /// <summary>Without a byte for so long, a request has failed.</summary>
    public TimeSpan StallTimeout { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>Fewer bytes a second of a blob are too few; 0: any are enough.</summary>
    public long MinBytesPerSecond { get; init; }

    /// <summary>Told of waits that a registry asks for.</summary>
    public Action<string> Tell { get; set; } = static _ => { };

    /// <summary>Finds the registry's address and who asks there.</summary>
    /// <returns>A client and whose it is, or why the registry can't be asked.</returns>
    public async Task<(RegistryClient? Client, Uri? Address, string? Who, string? Fault)> ConnectAsync(RegistryTarget target, CancellationToken token)
    {
        try
        {
            var found = await RegistryAddress.FindAsync(target, PlainHttp, address => Options(address, null, plainAsked: false), token);
            if (!found.TryGet(out var address, out var failure))
                return (null, null, null, Explain(target, failure));
            var (credential, problems) = Given is null
                ? await new CredentialSearch(Environment.GetEnvironmentVariable, TimeProvider.System).FindAsync(target.Host, target.Repository, token)
                : (Given, []);
            foreach (var problem in problems)
                Tell(problem);
            return (new RegistryClient(Options(address, credential, PlainHttp || target.Scheme == "http")), address, $"{credential?.Username}:{credential?.Source}", null);
        }
        catch (Exception e) when (e is InvalidDataException or IOException or ArgumentException)
        {
            return (null, null, null, e.Message);
        }
    }

    /// <summary>Why a registry can't be gone through, and what to do about it.</summary>
    public string Explain(RegistryFailure failure) => failure switch
    {
        { Outcome: RegistryOutcome.SlowDown, RetryAfter: { } asked } =>
            HasPatienceOption ? $"{failure.Detail}; it asks to be left alone for {Seconds(asked)}, and --wait allows {Seconds(Patience)}: try again later, or with a longer --wait"
            : $"{failure.Detail}; it asks to be left alone for {Seconds(asked)}: try again later",
        { Outcome: RegistryOutcome.Denied, Status: null or 401 } when Given is null =>
            $"{failure.Detail}; log in there with docker, podman or skopeo, or give --user NAME",
        { Outcome: RegistryOutcome.Denied, Status: 401 } => $"{failure.Detail}; is the password of {Given.Username} right?",
        _ => failure.Detail,
    };

    /// <summary>Would it be no use to ask for something else?</summary>
    public static bool IsBusy(RegistryFailure failure) => failure.Outcome is RegistryOutcome.SlowDown or RegistryOutcome.Unavailable;

    private static string Seconds(TimeSpan span) => string.Create(CultureInfo.InvariantCulture, $"{Math.Ceiling(span.TotalSeconds):0} s");

    private RegistryClientOptions Options(Uri address, Credential? credential, bool plainAsked) => new()
    {
        Registry = address,
        Username = credential?.Username,
        Password = credential?.Password,
        TrustFile = Authority,
        MaxConnections = Parallel,
        MaxEmptyTries = 2,
        StallTimeout = StallTimeout,
        Patience = Patience,
        MinBytesPerSecond = MinBytesPerSecond,
        Retries = 2,
        GoneAfter = 16,
        PasswordOverPlainHttp = plainAsked,
        Waiting = (delay, said) => Tell($"{said}; waiting {Math.Ceiling(delay.TotalSeconds):0} s"),
    };

    private static string Explain(RegistryTarget target, RegistryFailure failure)
    {
        if (failure.Detail.Contains("signed by nobody", StringComparison.Ordinal))
            return $"{failure.Detail}; give its authority's certificate by --ca FILE";
        if (target.Scheme == Uri.UriSchemeHttp && failure.Detail.Contains("ended before the answer", StringComparison.Ordinal))
            return $"{failure.Detail} (what speaks TLS does so when it is asked over http; then write https://)";
        return target.Scheme is null && !target.IsLoopback && failure.Outcome == RegistryOutcome.Unavailable && failure.Status is null && !failure.Detail.Contains("certificate", StringComparison.Ordinal)
            ? $"{failure.Detail} (over https; plain http is asked on this machine only, unless --plain-http is given)"
            : failure.Detail;
    }
}
