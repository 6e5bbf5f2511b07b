using System.Net;
using System.Security.Cryptography;

namespace Holdfast.Client;

/// <summary>One mirror of an upstream, and how it is with it.</summary>
internal sealed class Mirror : IDisposable
{
    private const long MinBytesPerSecond = 1 << 10;

    private readonly UpstreamPlan _plan;
    private readonly Health _health;
    private readonly RetryBudget _budget;
    private readonly UpstreamMetrics _metrics;
    private readonly RegistryClient _client;

    // Before the connection pool's own queue, in which waiting would look like a mirror that gives no answer.
    private readonly SemaphoreSlim _documents;
    private readonly SemaphoreSlim _blobs;

    private RateLimit? _limit;
    private long _latencyTicks = -1;

    public Mirror(UpstreamPlan plan, UpstreamMirror mirror, RetryBudget budget)
    {
        _plan = plan;
        _budget = budget;
        _health = new Health(plan.Time);
        _metrics = new UpstreamMetrics(plan.Cache, mirror.Address.Authority);
        Host = mirror.Address.Authority;
        var blobs = Math.Max(1, plan.MaxConnections * 3 / 4);
        _blobs = new SemaphoreSlim(blobs);
        _documents = new SemaphoreSlim(Math.Max(1, plan.MaxConnections - blobs));
        _client = new RegistryClient(new RegistryClientOptions
        {
            Registry = mirror.Address,
            Username = mirror.Username,
            Password = mirror.Password,
            ReadPassword = mirror.ReadPassword,
            PasswordOverPlainHttp = plan.PasswordOverPlainHttp,
            TrustFile = plan.TrustFile,
            Time = plan.Time,
            ConnectTimeout = plan.ConnectTimeout,
            AnswerTimeout = plan.AnswerTimeout,
            StallTimeout = plan.StallTimeout,
            MaxConnections = Math.Max(2, plan.MaxConnections),
            // Each byte in time, and none of its places among the connections ever free again: drops are no transfer, whoever waits for it.
            MinBytesPerSecond = MinBytesPerSecond,
            // A few seconds in all: the next mirror, or the client, may have more luck.
            MaxResumes = 4,
            ResumeDelay = TimeSpan.FromMilliseconds(250),
            Jitter = plan.Jitter ?? OfTheSystem,
            Resolve = plan.Resolve,
            Handler = plan.Handler,
            Proxy = plan.Proxy ?? new OutwardProxy(),
            PrivateRedirects = plan.PrivateRedirects,
            Via = plan.Via,
            MayRetry = budget.TryTake,
            Answered = NoteHead,
            Received = _metrics.CountBytes,
        });
        _metrics.ShowResting(false);
    }

    public string Host { get; }

    /// <summary>The time by which <see cref="Note"/> counts.</summary>
    public DateTimeOffset Now => _health.Now;

    public MirrorState State
    {
        get
        {
            var (since, restsUntil, why) = _health.State;
            var latency = Volatile.Read(ref _latencyTicks);
            return new MirrorState(Host, since, restsUntil, why) { Limit = Volatile.Read(ref _limit), Latency = latency < 0 ? null : TimeSpan.FromTicks(latency) };
        }
    }

    /// <summary>Zero: it may be asked.</summary>
    public TimeSpan RestLeft => _health.State.RestsUntil - _health.Now is { } left && left > TimeSpan.Zero ? left : TimeSpan.Zero;

    public static double OfTheSystem() => RandomNumberGenerator.GetInt32(1 << 20) / (double)(1 << 20);

    public Turn Enter() => _health.Enter();

    /// <summary>Asks for a document.</summary>
    public async ValueTask<RegistryAnswer<T>> AskAsync<T>(Question<T> question, CancellationToken token)
    {
        try
        {
            if (!await TryEnterAsync(token))
                return new(new RegistryFailure(RegistryOutcome.Unavailable, $"{Host} is busy with other questions, and had no turn for this one within {_plan.AnswerTimeout.TotalSeconds:0.#} seconds"));
            try
            {
                return await AskFreelyAsync(question, token);
            }
            finally
            {
                _documents.Release();
            }
        }
        finally
        {
            _health.EndTrial();
        }
    }

    /// <summary>Opens a blob, whose place among the connections is given back when its stream is disposed.</summary>
    public async ValueTask<RegistryAnswer<RemoteBlob>> OpenAsync(Question<RemoteBlob> question, CancellationToken token)
    {
        var kept = false;
        try
        {
            await _blobs.WaitAsync(token);
            try
            {
                var answer = await AskFreelyAsync(question, token);
                kept = answer.Failure is null;
                return answer;
            }
            finally
            {
                if (!kept)
                    _blobs.Release();
            }
        }
        finally
        {
            _health.EndTrial();
        }
    }

    public void EndBlob() => _blobs.Release();

    public void CountRetry() => _metrics.CountRetry();

    /// <summary>Takes note of what came of a question, or of a transfer that broke for good.</summary>
    public void Note(string asked, DateTimeOffset began, RegistryFailure? failure)
    {
        _metrics.Count(failure?.Outcome ?? RegistryOutcome.Found);
        // What another host did, such as the blobs' store behind it, says nothing about this one.
        if (failure is { Elsewhere: true } or { Outcome: RegistryOutcome.Mismatch or RegistryOutcome.SlowDown })
            return;
        if (failure?.Outcome == RegistryOutcome.Unavailable ? _health.NoteFailure(asked, began, failure) : _health.NoteAnswer(began))
            Tell();
    }

    /// <summary>Why it is not asked now.</summary>
    public RegistryFailure OfRest()
    {
        var (why, left) = (_health.State.Why, RestLeft);
        return new RegistryFailure(why?.Outcome ?? RegistryOutcome.Unavailable, $"{Host} is not asked for {left.TotalSeconds:0.#} more seconds: {why?.Detail}", left) { Status = why?.Status, IsOfRest = true };
    }

    public void Dispose()
    {
        _client.Dispose();
        _metrics.ShowResting(false);
    }

    // To wait for those before is to wait for an answer: what is known is served instead, and who asks for more than can be asked fills no memory.
    private async ValueTask<bool> TryEnterAsync(CancellationToken token)
    {
        if (_documents.Wait(0, CancellationToken.None))
            return true;
        using var patience = new CancellationTokenSource(_plan.AnswerTimeout, _plan.Time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(patience.Token, token);
        try
        {
            await _documents.WaitAsync(either.Token);
            return true;
        }
        catch (OperationCanceledException) when (!token.IsCancellationRequested)
        {
            return false;
        }
    }

    private async ValueTask<RegistryAnswer<T>> AskFreelyAsync<T>(Question<T> question, CancellationToken token)
    {
        var began = _health.Now;
        _budget.Count();
        var answer = await question.Ask(_client, token);
        Note(question.Name, began, answer.Failure);
        return answer;
    }

    private void NoteHead(Reply reply, TimeSpan took)
    {
        if (reply.Response is not { } response)
            return;
        _metrics.RecordFirstByte(took);
        Volatile.Write(ref _latencyTicks, took.Ticks);
        if (reply.Elsewhere)
            return;
        if (RateLimitHeaders.Read(response) is { } limit)
        {
            Volatile.Write(ref _limit, limit);
            _metrics.Show(limit);
        }
        // Told at once, also of a transfer that goes on here after a while: nobody else is to ask meanwhile.
        if (response.StatusCode == HttpStatusCode.TooManyRequests
            && _health.NoteFailure("", _health.Now, new RegistryFailure(RegistryOutcome.SlowDown, $"{Host} answered 429 TooManyRequests", Failures.RetryAfterOf(response, _plan.Time)) { Status = 429 }))
            Tell();
    }

    private void Tell()
    {
        var state = State;
        _metrics.ShowResting(state.RestsUntil is not null);
        _plan.Changed?.Invoke(state);
    }
}

/// <summary>What is asked of a mirror.</summary>
/// <param name="Name">Which object it is about.</param>
internal sealed record Question<T>(string Name, Func<RegistryClient, CancellationToken, ValueTask<RegistryAnswer<T>>> Ask);
