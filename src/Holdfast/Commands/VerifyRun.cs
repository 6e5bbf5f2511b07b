using Holdfast.Client;
using Holdfast.Client.Walk;
using Holdfast.Oci;
using Holdfast.Server.Http;

namespace Holdfast.Commands;

/// <summary>One call of verify: goes through its targets, each registry with one client and one memory of what was read.</summary>
internal sealed class VerifyRun(RemoteAccess access, bool fast, VerifyScreen screen, TimeProvider time) : IDisposable
{
    // Listing is quick, and small repositories alone would not keep all requests busy.
    private const int RepositoriesAtOnce = 4;
    private static readonly TimeSpan BetweenLooks = TimeSpan.FromMilliseconds(250);

    private readonly Dictionary<string, Connection> _connections = new(StringComparer.Ordinal);
    private readonly List<VerifiedRepository> _repositories = [];
    private readonly Lock _lock = new();

    private long _tagsKnown;
    private long _tagsOfRepositories;

    public async Task<VerifyOutcome> RunAsync(IReadOnlyList<RegistryTarget> targets, CancellationToken token)
    {
        var began = time.GetTimestamp();
        using var done = new CancellationTokenSource();
        var showing = ShowAsync(done.Token);
        var verified = new List<VerifiedTarget>();
        try
        {
            foreach (var target in targets)
                verified.Add(await VerifyAsync(target, token));
        }
        finally
        {
            await done.CancelAsync();
            await showing;
        }
        var sorted = _repositories.OrderBy(static one => one.Host, StringComparer.Ordinal).ThenBy(static one => one.Report.Repository).ToList();
        return new VerifyOutcome(fast, verified, sorted, Figures(), time.GetElapsedTime(began));
    }

    public void Dispose()
    {
        foreach (var connection in _connections.Values)
        {
            connection.Walk.Dispose();
            connection.Client.Dispose();
        }
    }

    private async Task<VerifiedTarget> VerifyAsync(RegistryTarget target, CancellationToken token)
    {
        var (client, address, who, fault) = await access.ConnectAsync(target, token);
        if (client is null)
            return new VerifiedTarget(target, null, fault);
        // podman keeps credentials for parts of a registry; with the same ones, what was read for one target is not read again for the next.
        var key = $"{address} {target.Host} {who}";
        if (_connections.TryGetValue(key, out var connection))
            client.Dispose();
        else
        {
            connection = new Connection(target.Host, address!, client, new ClosureWalk(client, new WalkOptions { Fast = fast, Parallel = access.Parallel, Time = time }));
            lock (_lock)
                _connections.Add(key, connection);
        }
        var problem = target.Repository.IsNone ? await VerifyRegistryAsync(connection, token) : await VerifyRepositoryAsync(connection, target, token);
        return new VerifiedTarget(target, connection.Address, problem);
    }

    private async Task<string?> VerifyRegistryAsync(Connection connection, CancellationToken token)
    {
        var listed = await connection.Client.ListRepositoriesAsync(token);
        if (!listed.TryGet(out var repositories, out var failure))
            return $"it does not list its repositories: {access.Explain(failure)}{(RemoteAccess.IsBusy(failure) ? "" : $"; or name one: {connection.Host}/REPOSITORY")}";
        if (repositories.Count == 0)
            return "it lists no repositories, so that there is nothing to verify; may this user see them?";
        var problems = new List<string>();
        var before = Interlocked.Read(ref _tagsOfRepositories);
        await Parallel.ForEachAsync(
            repositories, new ParallelOptions { MaxDegreeOfParallelism = RepositoriesAtOnce, CancellationToken = token },
            async (repository, token) =>
            {
                // One that was deleted since the catalogue was read, or has lost its last tag, is nothing to tell of.
                if (await VerifyTagsAsync(connection, repository, isNamed: false, token) is not { } problem)
                    return;
                lock (_lock)
                    problems.Add($"{repository}: {problem}");
            });
        problems.Sort(StringComparer.Ordinal);
        if (problems.Count == 0 && Interlocked.Read(ref _tagsOfRepositories) == before)
            return $"none of its {Counted.Of(repositories.Count, "repository", "repositories")} has a tag, so that there is nothing to verify";
        return problems.Count == 0 ? null
            : $"{Counted.Of(problems.Count, "repository", "repositories")} could not be walked; {string.Join("; ", problems.Take(10))}{(problems.Count > 10 ? "; …" : "")}";
    }

    private async Task<string?> VerifyRepositoryAsync(Connection connection, RegistryTarget target, CancellationToken token)
    {
        if (target.Reference is not { } reference)
            return await VerifyTagsAsync(connection, target.Repository, isNamed: true, token);
        Interlocked.Increment(ref _tagsKnown);
        var report = await connection.Walk.WalkAsync(target.Repository, reference, reference.ToString(), token);
        Take(connection, report);
        return null;
    }

    private async Task<string?> VerifyTagsAsync(Connection connection, RepositoryName repository, bool isNamed, CancellationToken token)
    {
        var listed = await connection.Client.ListTagsAsync(repository, token);
        if (!listed.TryGet(out var tags, out var failure))
        {
            return failure.Outcome != RegistryOutcome.Unknown ? $"its tags could not be listed: {access.Explain(failure)}"
                : isNamed ? $"there is no such repository: {failure.Detail}" : null;
        }
        if (tags.Count == 0)
            return isNamed ? "it has no tags, so that there is nothing to verify" : null;
        Interlocked.Add(ref _tagsKnown, tags.Count);
        Interlocked.Add(ref _tagsOfRepositories, tags.Count);
        Take(connection, await connection.Walk.WalkTagsAsync(repository, tags, areAll: true, token));
        return null;
    }

    private void Take(Connection connection, RepositoryReport report)
    {
        var verified = new VerifiedRepository(connection.Host, report);
        lock (_lock)
            _repositories.Add(verified);
        if (report.FindingCount > 0)
            screen.Print(VerifyText.Tree(verified));
    }

    private async Task ShowAsync(CancellationToken done)
    {
        using var timer = new PeriodicTimer(BetweenLooks, time);
        try
        {
            while (await timer.WaitForNextTickAsync(done))
                screen.Show(Progress());
        }
        catch (OperationCanceledException)
        {
            // The work is done.
        }
    }

    private AdminProgress Progress()
    {
        List<WalkCounts> counts;
        lock (_lock)
            counts = [.. _connections.Values.Select(static one => one.Walk.Counts)];
        var expected = counts.Sum(static one => one.BytesExpected);
        if (Interlocked.Read(ref _tagsKnown) == 0)
            return new AdminProgress("listing", 0, null, "tags");
        if (Interlocked.Read(ref _tagsOfRepositories) == 0 && !fast && expected > 0)
            return new AdminProgress("reading", counts.Sum(static one => one.BytesRead), expected, "bytes");
        return new AdminProgress("verifying", counts.Sum(static one => one.Roots), Interlocked.Read(ref _tagsKnown), "tags");
    }

    private VerifyFigures Figures()
    {
        lock (_lock)
            return VerifyFigures.Of([.. _connections.Values.Select(static one => one.Walk.Counts)]);
    }

    private sealed record Connection(string Host, Uri Address, RegistryClient Client, ClosureWalk Walk);
}
