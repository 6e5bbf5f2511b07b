namespace Holdfast.Client;

/// <summary>What one request has used of the patience with its registry.</summary>
internal sealed class Tries
{
    public int Count { get; set; }

    public TimeSpan Waited { get; set; }
}

/// <summary>
/// How a registry that is busy or away is asked again. All requests share it: when one is told to wait, the others wait too, and once the patience of one
/// is at its end the others are not held up for the same.
/// </summary>
internal sealed class Patience(RegistryClientOptions options)
{
    private static readonly TimeSpan MaxDelay = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan BetweenTrials = TimeSpan.FromSeconds(5);

    private readonly Lock _lock = new();
    private DateTimeOffset _opensAt;
    private bool _spent;
    private int _unanswered;
    private DateTimeOffset _nextTrial;

    /// <summary>Waits for the registry to take requests again.</summary>
    /// <returns>Why there is no use in asking; null: ask.</returns>
    public async ValueTask<RegistryFailure?> EnterAsync(CancellationToken token)
    {
        while (true)
        {
            TimeSpan wait;
            lock (_lock)
            {
                var now = options.Time.GetUtcNow();
                if (_unanswered >= options.GoneAfter && now < _nextTrial)
                    return new RegistryFailure(RegistryOutcome.Unavailable, $"{options.Registry.Authority} was not asked: it gave no answer to the last {_unanswered} requests");
                if (_unanswered >= options.GoneAfter)
                    _nextTrial = now + BetweenTrials;
                wait = _opensAt - now;
            }
            if (wait <= TimeSpan.Zero)
                return null;
            await Task.Delay(wait, options.Time, token);
        }
    }

    /// <summary>Takes note of what came of a request, and waits before the next if there should be one.</summary>
    /// <returns>Is this the answer?</returns>
    public async ValueTask<bool> LeaveAsync(Reply reply, Tries tries, CancellationToken token)
    {
        var (outcome, retryAfter, said) = Read(reply);
        var delay = TimeSpan.Zero;
        lock (_lock)
        {
            _unanswered = reply.Response is null && reply.Failure is { Status: null, Outcome: RegistryOutcome.Unavailable } ? _unanswered + 1 : 0;
            if (outcome == RegistryOutcome.SlowDown)
            {
                delay = retryAfter ?? Backoff(tries.Count);
                if (options.Patience == TimeSpan.Zero || delay > options.Patience - tries.Waited)
                    _spent = true;
                if (_spent)
                    return true;
                // Some registries say 0 seconds, and mean a moment.
                delay = delay < options.ResumeDelay ? options.ResumeDelay : delay;
                var opens = options.Time.GetUtcNow() + delay;
                _opensAt = opens > _opensAt ? opens : _opensAt;
            }
            else
            {
                _spent = false;
                if (outcome != RegistryOutcome.Unavailable || tries.Count >= options.Retries || _unanswered >= options.GoneAfter)
                    return true;
                delay = Backoff(tries.Count);
            }
        }
        if (outcome == RegistryOutcome.SlowDown)
            options.Waiting?.Invoke(delay, said);
        tries.Count++;
        tries.Waited += delay;
        await Task.Delay(delay, options.Time, token);
        return false;
    }

    private (RegistryOutcome Outcome, TimeSpan? RetryAfter, string Said) Read(Reply reply)
    {
        if (reply.Failure is { } failure)
            return (failure.Outcome, failure.RetryAfter, failure.Detail);
        var response = reply.Response!;
        var retryAfter = Failures.RetryAfterOf(response, options.Time);
        var outcome = (int)response.StatusCode switch
        {
            429 => RegistryOutcome.SlowDown,
            503 when retryAfter is not null && options.Patience > TimeSpan.Zero => RegistryOutcome.SlowDown,
            408 or >= 500 => RegistryOutcome.Unavailable,
            _ => RegistryOutcome.Found,
        };
        return (outcome, retryAfter, $"{options.Registry.Authority} answered {(int)response.StatusCode} {response.StatusCode}");
    }

    private TimeSpan Backoff(int tries)
    {
        var delay = options.ResumeDelay * Math.Pow(2, Math.Min(tries, 10));
        return delay > MaxDelay ? MaxDelay : delay;
    }
}
