using Holdfast.Oci;

namespace Holdfast.Client;

/// <summary>What one cache is filled from: its mirrors, asked in order, of which the last one is the origin.</summary>
public sealed class Upstream : IDisposable
{
    private const int MaxRetries = 2;

    // For failures that no mirror rests for: those of another host, behind it.
    private static readonly TimeSpan MinWait = TimeSpan.FromMilliseconds(250);

    // A longer rest is the next client's affair.
    private static readonly TimeSpan MaxWait = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan MaxJitter = TimeSpan.FromMilliseconds(250);

    // Shorter failures are waited for, as everywhere: what is new may be had in a moment.
    private static readonly TimeSpan LongDown = TimeSpan.FromSeconds(5);

    private readonly UpstreamPlan _plan;
    private readonly RetryBudget _budget;
    private readonly Func<double> _jitter;
    private readonly Mirror[] _mirrors;

    /// <exception cref="ArgumentException">An address or a user name can't be used, or there is no mirror.</exception>
    /// <exception cref="InvalidDataException">The trust file holds no certificate.</exception>
    /// <exception cref="IOException">The trust file can't be read.</exception>
    public Upstream(UpstreamPlan plan)
    {
        if (plan.Mirrors.Count == 0)
            throw new ArgumentException($"the upstream of '{plan.Cache}' has no address", nameof(plan));
        _plan = plan;
        _budget = new RetryBudget(plan.Time);
        _jitter = plan.Jitter ?? Mirror.OfTheSystem;
        _mirrors = [.. plan.Mirrors.Select(mirror => new Mirror(plan, mirror, _budget))];
    }

    /// <summary>In the order in which they are asked.</summary>
    public IReadOnlyList<MirrorState> Mirrors => [.. _mirrors.Select(static mirror => mirror.State)];

    /// <summary>HEAD of a manifest; costs nothing of Docker Hub's pulls.</summary>
    /// <param name="canDoWithout">Has the caller something to go on with? Then it doesn't wait for an upstream that has been down for a while; one caller at a time finds out whether it is up again.</param>
    public ValueTask<RegistryAnswer<RemoteManifestHead>> HeadManifestAsync(
        RepositoryName repository, Reference reference, CancellationToken token, bool canDoWithout = false)
    {
        var question = new Question<RemoteManifestHead>(
            $"{NameOf(repository)}/manifests/{reference}", (client, token) => client.HeadManifestAsync(NameOf(repository), reference, token));
        return PutAsync(new Inquiry<RemoteManifestHead>(_mirrors, (mirror, token) => mirror.AskAsync(question, token)) { IsPatient = !(canDoWithout && IsDown()) }, token);
    }

    /// <summary>GET of a manifest, its bytes compared with the digest that was asked for or that the mirror states.</summary>
    public ValueTask<RegistryAnswer<RemoteManifest>> GetManifestAsync(RepositoryName repository, Reference reference, CancellationToken token) =>
        AskAsync(NameOf(repository), $"manifests/{reference}", (client, name, token) => client.GetManifestAsync(name, reference, token), token);

    /// <summary>HEAD of a blob.</summary>
    public ValueTask<RegistryAnswer<RemoteBlobSize>> HeadBlobAsync(RepositoryName repository, Digest digest, CancellationToken token) =>
        AskAsync(NameOf(repository), $"blobs/{digest}", (client, name, token) => client.HeadBlobAsync(name, digest, token), token);

    /// <summary>GET of a blob as a stream that heals its connection, goes on at the next mirror if one breaks for good, and hashes nothing. The caller disposes it.</summary>
    public ValueTask<RegistryAnswer<RemoteBlob>> OpenBlobAsync(RepositoryName repository, Digest digest, CancellationToken token) =>
        OpenBlobAsync(repository, digest, 0, token);

    /// <summary>GET of a blob from a byte on.</summary>
    /// <param name="fromBytes">How many bytes the caller has; the stream goes on after them.</param>
    public async ValueTask<RegistryAnswer<RemoteBlob>> OpenBlobAsync(RepositoryName repository, Digest digest, long fromBytes, CancellationToken token)
    {
        var source = new BlobSource(_mirrors, NameOf(repository), digest);
        var inquiry = source.From(fromBytes);
        var answer = await PutAsync(inquiry, token);
        return answer.TryGet(out var blob, out _)
            ? new(new RemoteBlob(new MirroredStream(source, blob, inquiry.Giver!, fromBytes), blob.SizeBytes) { Page = blob.Page })
            : answer;
    }

    /// <summary>Receives a blob and hashes it on the way, as <see cref="RegistryClient.DownloadBlobAsync"/> does.</summary>
    public async ValueTask<RegistryAnswer<long>> DownloadBlobAsync(
        RepositoryName repository, Digest digest, long? sizeBytes, Func<ReadOnlyMemory<byte>, ValueTask> sink, CancellationToken token)
    {
        var opened = await OpenBlobAsync(repository, digest, token);
        if (!opened.TryGet(out var blob, out var failure))
            return new(failure);
        await using (blob)
            return await BlobTransfer.RunAsync(blob, digest, sizeBytes, sink, token);
    }

    /// <summary>All tags of a repository, page after page.</summary>
    public ValueTask<RegistryAnswer<IReadOnlyList<Tag>>> ListTagsAsync(RepositoryName repository, CancellationToken token) =>
        AskAsync(NameOf(repository), "tags/list", static (client, name, token) => client.ListTagsAsync(name, token), token);

    /// <summary>What names a manifest as its subject, unfiltered. <see cref="RegistryOutcome.Unknown"/>: the upstream has no such list.</summary>
    public ValueTask<RegistryAnswer<IReadOnlyList<RawReferrer>>> ListReferrersAsync(RepositoryName repository, Digest digest, CancellationToken token) =>
        AskAsync(NameOf(repository), $"referrers/{digest}", (client, name, token) => client.ListRawReferrersAsync(name, digest, token), token);

    public void Dispose()
    {
        foreach (var mirror in _mirrors)
            mirror.Dispose();
    }

    private RepositoryName NameOf(RepositoryName repository) =>
        _plan.Namespace == "docker.io" && !repository.ToString().Contains('/', StringComparison.Ordinal) && RepositoryName.TryParse($"library/{repository}", out var official) ? official : repository;

    private ValueTask<RegistryAnswer<T>> AskAsync<T>(
        RepositoryName name, string what, Func<RegistryClient, RepositoryName, CancellationToken, ValueTask<RegistryAnswer<T>>> ask, CancellationToken token)
    {
        var question = new Question<T>($"{name}/{what}", (client, token) => ask(client, name, token));
        return PutAsync(new Inquiry<T>(_mirrors, (mirror, token) => mirror.AskAsync(question, token)), token);
    }

    private bool IsDown()
    {
        var before = _plan.Time.GetUtcNow() - LongDown;
        return Array.TrueForAll(_mirrors, mirror => mirror.State is { RestsUntil: not null } state && state.Since <= before);
    }

    /// <summary>Puts a question, and again after a moment if nobody answered it and the rest is short.</summary>
    private async ValueTask<RegistryAnswer<T>> PutAsync<T>(Inquiry<T> inquiry, CancellationToken token)
    {
        var start = _plan.Time.GetTimestamp();
        for (var retries = 0; ; retries++)
        {
            var before = inquiry.Questions;
            var answer = await inquiry.RoundAsync(token);
            if (!inquiry.IsPatient || answer.Outcome != RegistryOutcome.Unavailable || retries == MaxRetries || inquiry.SoonestEnd is not { } rest || rest > MaxWait)
                return answer;
            var wait = TimeSpan.FromTicks(Math.Max(rest.Ticks, (MinWait * (1 << retries)).Ticks)) + (MaxJitter * _jitter());
            var asked = inquiry.Questions > before;
            // To have waited for a mirror's rest is no retry yet.
            if (_plan.Time.GetElapsedTime(start) + wait > _plan.AnswerTimeout || (asked && !_budget.TryTake()))
                return answer;
            if (asked)
                _mirrors[^1].CountRetry();
            await Task.Delay(wait, _plan.Time, token);
        }
    }
}
