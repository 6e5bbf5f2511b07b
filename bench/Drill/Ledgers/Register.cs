namespace Holdfast.Drill.Ledgers;

/// <summary>
/// What one name may stand for, by all that was asked and answered: one value once a change was acknowledged that no other overlapped; several
/// while answers are out, or were lost. "" is absence. Callers hold the ledger's lock.
/// </summary>
internal sealed class Register
{
    private HashSet<string> _possible = [""];
    private int _running;
    private long _begun;

    public IReadOnlySet<string> Possible => _possible;

    public bool IsBeingChanged => _running > 0;

    /// <summary>How many changes were begun; the same before and after something: nothing changed meanwhile.</summary>
    public long Begun => _begun;

    /// <returns>The value if there is only one, else null.</returns>
    public string? Only => _possible.Count == 1 ? _possible.First() : null;

    public bool MayBe(string value) => _possible.Contains(value);

    /// <summary>A request that sets a value is on its way.</summary>
    public Change BeginSet(string value) => Begin([value], possible => [value]);

    /// <summary>A request is on its way that makes the name absent if it stands for that value.</summary>
    public Change BeginRemove(string value) => Begin([""], possible => [.. possible.Where(old => old != value), ""]);

    /// <summary>Something else may make it absent; what was sure no longer is.</summary>
    public void Unsettle() => _possible.Add("");

    /// <summary>Seen while nothing was on its way.</summary>
    public void Settle(string value) => _possible = [value];

    private Change Begin(string[] added, Func<HashSet<string>, HashSet<string>> afterwards)
    {
        var before = new HashSet<string>(_possible, StringComparer.Ordinal);
        var alone = _running++ == 0;
        var number = ++_begun;
        _possible.UnionWith(added);
        return new Change(acknowledged =>
        {
            _running--;
            if (!alone || number != _begun || acknowledged is null)
                return;
            _possible = acknowledged.Value ? afterwards(before) : before;
        });
    }
}

/// <summary>One request's effect on a register. Callers hold the ledger's lock.</summary>
internal sealed class Change(Action<bool?> end)
{
    /// <param name="acknowledged">True: it took effect; false: refused, without effect; null: no answer.</param>
    public void End(bool? acknowledged) => end(acknowledged);
}
