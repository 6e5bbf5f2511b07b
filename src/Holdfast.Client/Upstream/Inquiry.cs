namespace Holdfast.Client;

/// <summary>One question and what the mirrors have said to it so far.</summary>
/// <param name="put">Puts it to one of them.</param>
internal sealed class Inquiry<T>(IReadOnlyList<Mirror> mirrors, Func<Mirror, CancellationToken, ValueTask<RegistryAnswer<T>>> put)
{
    private readonly RegistryFailure?[] _verdicts = new RegistryFailure?[mirrors.Count];

    /// <summary>Is it worth waiting for a mirror that is down?</summary>
    public bool IsPatient { get; init; } = true;

    /// <summary>Who had it.</summary>
    public Mirror? Giver { get; private set; }

    /// <summary>How often somebody was asked.</summary>
    public int Questions { get; private set; }

    /// <summary>How long the first of those rests who did not answer; null: all answered.</summary>
    public TimeSpan? SoonestEnd
    {
        get
        {
            var rests = mirrors.Where((_, i) => _verdicts[i]?.Outcome == RegistryOutcome.Unavailable).Select(static mirror => mirror.RestLeft).ToList();
            return rests.Count > 0 ? rests.Min() : null;
        }
    }

    /// <summary>Asks all that are up and have not answered yet, in order, until one has it.</summary>
    /// <returns>Of the failures that of the last mirror, the origin: if it can't be asked, nothing is known to be absent (P6).</returns>
    public async ValueTask<RegistryAnswer<T>> RoundAsync(CancellationToken token)
    {
        var onTrial = new List<int>();
        for (var i = 0; i < mirrors.Count; i++)
        {
            if (IsSettled(_verdicts[i]))
                continue;
            var turn = mirrors[i].Enter();
            if (turn is Turn.OnTrial && IsPatient)
                onTrial.Add(i);
            if (turn is Turn.OnTrial or Turn.Resting)
                _verdicts[i] = mirrors[i].OfRest();
            else if (await PutAsync(i, token) is { } found)
                return found;
        }
        // Nobody else has it: better to find out along with the one that tries.
        foreach (var i in onTrial)
        {
            if (await PutAsync(i, token) is { } found)
                return found;
        }
        return new(Verdict());
    }

    private async ValueTask<RegistryAnswer<T>?> PutAsync(int i, CancellationToken token)
    {
        Questions++;
        var answer = await put(mirrors[i], token);
        _verdicts[i] = answer.Failure;
        if (answer.Failure is not null)
            return null;
        Giver = mirrors[i];
        return answer;
    }

    private RegistryFailure Verdict()
    {
        var verdict = _verdicts[^1]!;
        var others = _verdicts.SkipLast(1).Select(static one => one!.Detail).ToList();
        return others.Count == 0 ? verdict : verdict with { Detail = $"{verdict.Detail} (asked before: {string.Join("; ", others)})" };
    }

    // An answer, if not the wanted one: asking again won't change it.
    private static bool IsSettled(RegistryFailure? verdict) => verdict is not (null or { Outcome: RegistryOutcome.Unavailable or RegistryOutcome.SlowDown });
}
