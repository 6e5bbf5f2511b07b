using System.Net.Sockets;
using Holdfast.Client;
using Holdfast.Client.Probe;

namespace Holdfast.Commands;

/// <summary>Rounds over several registries, each in its own time, and what is told of them.</summary>
internal sealed class ProbeRun(RemoteAccess access, ProbePlan plan, bool json, VerifyScreen screen, TimeProvider time) : IAsyncDisposable
{
    // A long first round is not read again after a crash but for its last minute.
    private static readonly TimeSpan BetweenSaves = TimeSpan.FromMinutes(1);

    private readonly ProbeGauges _gauges = new();
    private readonly SemaphoreSlim _publishing = new(1);
    private Dictionary<string, ProbeMemory> _memories = [];
    private ProbePublisher? _publisher;

    public async Task<int> RunAsync(IReadOnlyList<RegistryTarget> targets, CancellationToken token)
    {
        if (plan.MemoryFile is { } file)
        {
            (_memories, var problem) = ProbeMemoryFile.Load(file, time);
            if (problem is not null)
                screen.Tell(problem);
        }
        foreach (var target in targets)
        {
            _memories.TryAdd(target.Host, new ProbeMemory(target.Host, time) { IsKept = plan.Interval is not null || plan.MemoryFile is not null });
            _gauges.Begin(_memories[target.Host]);
        }
        _publisher = new ProbePublisher(plan, _gauges);
        try
        {
            await _publisher.ListenAsync(token);
        }
        catch (Exception e) when (e is IOException or SocketException or InvalidOperationException)
        {
            throw new RemoteFault($"--listen: {e.Message}", e);
        }
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(token);
        var saving = SaveAsync(ended.Token);
        try
        {
            var codes = await Task.WhenAll(targets.Select(target => RepeatAsync(target, token)));
            return codes.Contains(RootCommands.Findings) ? RootCommands.Findings : codes.Max();
        }
        finally
        {
            await ended.CancelAsync();
            await saving;
            await SaveOnceAsync();
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_publisher is not null)
            await _publisher.DisposeAsync();
        _publishing.Dispose();
    }

    private async Task<int> RepeatAsync(RegistryTarget target, CancellationToken token)
    {
        var words = new ProbeText(json);
        while (true)
        {
            var began = time.GetTimestamp();
            var round = await RoundAsync(target, token);
            _gauges.Take(round);
            screen.Print(words.Tell(round, time.GetUtcNow()));
            var published = await PublishAsync(round, token);
            if (plan.Interval is not { } interval)
            {
                return !round.IsFinished || !published ? RootCommands.Failed
                    : round.Broken.Count > 0 || round.Unlisted.Count > 0 ? RootCommands.Findings : RootCommands.Fine;
            }
            var rest = interval - time.GetElapsedTime(began);
            if (rest > TimeSpan.Zero)
                await Task.Delay(rest, time, token);
        }
    }

    private async Task<ProbeRound> RoundAsync(RegistryTarget target, CancellationToken token)
    {
        // Anew for each round, as passwords, certificates and addresses change while a probe runs for months.
        var (client, _, _, fault) = await access.ConnectAsync(target, token);
        if (client is null)
            return new ProbeRound(target.Host, fault, false, 0, 0, 0, new(), [], TimeSpan.Zero);
        using (client)
        {
            var options = new ProbeOptions { Fast = plan.Fast, MaxTags = plan.MaxTags, Parallel = access.Parallel, Time = time };
            return await new RegistryProbe(client, _memories[target.Host], options).RunAsync(token);
        }
    }

    /// <returns>Did everything that was asked for get the metrics?</returns>
    private async Task<bool> PublishAsync(ProbeRound round, CancellationToken token)
    {
        await _publishing.WaitAsync(token);
        try
        {
            var problems = await _publisher!.PublishAsync(round.Instance, token);
            foreach (var problem in problems)
                screen.Tell(problem);
            return Save() && problems.Count == 0;
        }
        finally
        {
            _publishing.Release();
        }
    }

    private async Task SaveAsync(CancellationToken ended)
    {
        using var timer = new PeriodicTimer(BetweenSaves, time);
        try
        {
            while (await timer.WaitForNextTickAsync(ended))
                await SaveOnceAsync();
        }
        catch (OperationCanceledException)
        {
            // The rounds are over.
        }
    }

    private async Task SaveOnceAsync()
    {
        await _publishing.WaitAsync();
        try
        {
            Save();
        }
        finally
        {
            _publishing.Release();
        }
    }

    private bool Save()
    {
        if (plan.MemoryFile is not { } file)
            return true;
        try
        {
            ProbeMemoryFile.Save(file, _memories.Values);
            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            screen.Tell($"--memory: {e.Message}");
            return false;
        }
    }
}
