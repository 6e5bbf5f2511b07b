using Holdfast.Client;
using Holdfast.Oci;

namespace Holdfast.Server.Heal;

/// <summary>A registry of any make, asked for the bytes in the repositories that have them here.</summary>
internal sealed class DonorRegistry(DonorOptions options, TimeProvider time) : Donor
{
    // One that does not answer would else hold up each of many heals for as long as a connection is waited for.
    private static readonly TimeSpan Rest = TimeSpan.FromSeconds(30);

    private readonly Lock _lock = new();
    private RegistryClient? _client;
    private string? _password;
    private (long At, string Why)? _down;

    public override string Name { get; } = options.Registry!.GetComponents(UriComponents.SchemeAndServer | UriComponents.Path, UriFormat.UriEscaped).TrimEnd('/');

    public override async Task<DonorAnswer> FetchAsync(WantedBytes wanted, Intake intake, CancellationToken cancellationToken)
    {
        if (wanted.Repositories.Count == 0)
            return DonorAnswer.Not("was not asked: no repository has it");
        RegistryClient client;
        try
        {
            client = ClientOf();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or InvalidDataException or ArgumentException)
        {
            return DonorAnswer.Not($"can't be asked: {e.Message}");
        }
        RegistryFailure? telling = null;
        foreach (var repository in wanted.Repositories)
        {
            if (RecentTrouble() is { } trouble)
                return DonorAnswer.Not($"could not be asked: {trouble}");
            if (await FetchAsync(client, repository, wanted, intake, cancellationToken) is not { } failure)
                return DonorAnswer.Given;
            if (failure.Outcome == RegistryOutcome.Unavailable)
                NoteTrouble(failure.Detail);
            // What one repository lacks another may have; the most telling of the answers is told.
            if (telling is null or { Outcome: RegistryOutcome.Unknown })
                telling = failure;
        }
        return DonorAnswer.Not(Describe(telling!));
    }

    public override void Dispose() => _client?.Dispose();

    /// <returns>Null if the bytes are in the intake, and have the digest.</returns>
    private static async Task<RegistryFailure?> FetchAsync(
        RegistryClient client, RepositoryName repository, WantedBytes wanted, Intake intake, CancellationToken token)
    {
        if (wanted.IsManifest)
        {
            var answer = await client.GetManifestAsync(repository, wanted.Digest, token);
            if (answer.TryGet(out var manifest, out var failure))
            {
                await intake.RestartAsync(token);
                await intake.AppendAsync(manifest.Payload, token);
                return null;
            }
            // It may be there as a blob, as parts of it that were pushed by themselves are.
            if (failure.Outcome != RegistryOutcome.Unknown)
                return failure;
        }
        await intake.RestartAsync(token);
        var blob = await client.DownloadBlobAsync(repository, wanted.Digest, wanted.SizeBytes, bytes => intake.AppendAsync(bytes, token), token);
        return blob.Failure;
    }

    private static string Describe(RegistryFailure failure) => failure.Outcome switch
    {
        RegistryOutcome.Unknown => "does not have it",
        RegistryOutcome.Mismatch => $"gave wrong bytes: {failure.Detail}",
        RegistryOutcome.Denied => $"refused: {failure.Detail}",
        _ => $"could not give it: {failure.Detail}",
    };

    // The password's file is read each time: it may be renewed, and it may come after the start.
    private RegistryClient ClientOf()
    {
        var password = options.PasswordFile is { } file ? File.ReadAllText(file).TrimEnd('\r', '\n') : null;
        lock (_lock)
        {
            if (_client is not null && string.Equals(password, _password, StringComparison.Ordinal))
                return _client;
            // The one before stays for those that use it just now; its connections end by themselves.
            _client = new RegistryClient(new RegistryClientOptions
            {
                Registry = options.Registry!,
                Username = options.Username,
                Password = password,
                Time = time,
                MaxConnections = 4,
                MaxResumes = 2,
            });
            _password = password;
            return _client;
        }
    }

    private string? RecentTrouble()
    {
        lock (_lock)
            return _down is { } down && time.GetElapsedTime(down.At) < Rest ? down.Why : null;
    }

    private void NoteTrouble(string why)
    {
        lock (_lock)
            _down = (time.GetTimestamp(), why);
    }
}
