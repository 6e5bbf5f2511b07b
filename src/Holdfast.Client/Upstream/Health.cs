namespace Holdfast.Client;

/// <summary>May a mirror be asked?</summary>
internal enum Turn
{
    Free,

    /// <summary>Its rest is over: who gets this finds out, for all, whether it is up.</summary>
    Trial,

    /// <summary>Somebody is finding that out.</summary>
    OnTrial,

    Resting,
}

/// <summary>Whether a mirror is up, from what came of asking it.</summary>
internal sealed class Health(TimeProvider time)
{
    private static readonly TimeSpan FirstRest = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan MaxRest = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan SlowDownRest = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan MaxSlowDownRest = TimeSpan.FromHours(1);

    private readonly Lock _lock = new();
    private readonly (DateTimeOffset At, long Stamp) _began = (time.GetUtcNow(), time.GetTimestamp());
    private DateTimeOffset _since = time.GetUtcNow();
    private DateTimeOffset _restBegan;
    private DateTimeOffset? _restsUntil;
    private RegistryFailure? _why;
    private bool _onTrial;
    private TimeSpan _rest;
    private string? _failedAt;

    /// <summary>The time by which all of this is counted: a clock that is set back must not make a rest of seconds one of hours.</summary>
    public DateTimeOffset Now => _began.At + time.GetElapsedTime(_began.Stamp);

    /// <summary>Since when it is so, until when it rests (null: up) and why.</summary>
    public (DateTimeOffset Since, DateTimeOffset? RestsUntil, RegistryFailure? Why) State
    {
        get
        {
            lock (_lock)
                return (_since, _restsUntil, _why);
        }
    }

    public Turn Enter()
    {
        lock (_lock)
        {
            if (_restsUntil is null)
                return Turn.Free;
            if (Now < _restsUntil)
                return Turn.Resting;
            if (_onTrial)
                return Turn.OnTrial;
            _onTrial = true;
            return Turn.Trial;
        }
    }

    /// <summary>The trial came to nothing, such as by a caller that left.</summary>
    public void EndTrial()
    {
        lock (_lock)
            _onTrial = false;
    }

    /// <param name="began">When it was asked.</param>
    /// <returns>Is this the end of a rest?</returns>
    public bool NoteAnswer(DateTimeOffset began)
    {
        lock (_lock)
        {
            // What was on its way before the rest says nothing about now.
            if (_restsUntil is not null && began <= _restBegan)
                return false;
            (_onTrial, _rest, _failedAt) = (false, TimeSpan.Zero, null);
            if (_restsUntil is null)
                return false;
            (_restsUntil, _why, _since) = (null, null, Now);
            return true;
        }
    }

    /// <summary>It gave no answer, a 5xx or a 429.</summary>
    /// <param name="asked">What it was asked for.</param>
    /// <param name="began">When.</param>
    /// <returns>Is this the begin of a rest?</returns>
    public bool NoteFailure(string asked, DateTimeOffset began, RegistryFailure why)
    {
        lock (_lock)
        {
            var now = Now;
            // Of those that were on their way together, one counts.
            if (why.Outcome != RegistryOutcome.SlowDown && began <= _restBegan && _rest > TimeSpan.Zero)
                return false;
            _onTrial = false;
            var until = now + RestFor(asked, why);
            if (until <= _restsUntil)
                return false;
            _since = _restsUntil is null ? now : _since;
            (_restBegan, _restsUntil, _why) = (now, until, why);
            return true;
        }
    }

    private TimeSpan RestFor(string asked, RegistryFailure why)
    {
        if (why.Outcome == RegistryOutcome.SlowDown)
        {
            var wanted = why.RetryAfter ?? SlowDownRest;
            return wanted > MaxSlowDownRest ? MaxSlowDownRest : wanted < FirstRest ? FirstRest : wanted;
        }
        // One object that the mirror can't serve, asked for again and again, must not keep all others from it.
        var sameAgain = why.Status >= 500 && _failedAt == asked;
        _failedAt = asked;
        _rest = sameAgain || _rest == TimeSpan.Zero ? FirstRest : _rest * 2;
        _rest = why.RetryAfter > _rest ? why.RetryAfter.Value : _rest;
        return _rest = _rest > MaxRest ? MaxRest : _rest;
    }
}
