namespace Holdfast.Testing;

/// <summary>What the proxy does to some of the answers that pass through it. Everything is optional; without anything the answer passes as it is.</summary>
internal sealed record Fault
{
    /// <summary>Which requests it is for.</summary>
    public required Func<Asked, bool> Of { get; init; }

    /// <summary>How often it happens.</summary>
    public int Times { get; init; } = int.MaxValue;

    /// <summary>Answers this status itself, without asking the upstream.</summary>
    public int? Status { get; init; }

    /// <summary>The body of an answer of its own.</summary>
    public byte[] Body { get; init; } = [];

    /// <summary>Headers that are set, in the place of the upstream's of that name.</summary>
    public IReadOnlyList<(string Name, string Value)> Headers { get; init; } = [];

    /// <summary>Headers that are taken away.</summary>
    public IReadOnlyList<string> Without { get; init; } = [];

    /// <summary>Breaks the connection after so many bytes of the body.</summary>
    public long? CutAfter { get; init; }

    /// <summary>Ends the body after so many bytes, as if they were all.</summary>
    public long? EndAfter { get; init; }

    /// <summary>A Content-Length that is not that of the body.</summary>
    public long? StatedLength { get; init; }

    /// <summary>Says no length.</summary>
    public bool Chunked { get; init; }

    /// <summary>Changes the byte there.</summary>
    public long? Flip { get; init; }

    /// <summary>Sends no more until the gate is opened.</summary>
    public Gate? Gate { get; init; }

    /// <summary>Bytes of the body before the gate; -1: not even the head comes before.</summary>
    public long GateAt { get; init; }

    public long? BytesPerSecond { get; init; }

    /// <summary>Sends the client to the same path on another address.</summary>
    public Uri? RedirectTo { get; init; }

    /// <summary>Makes the request's token one that the upstream doesn't take any more.</summary>
    public bool ExpireToken { get; init; }

    public static Func<Asked, bool> Get(string partOfTarget) => asked => asked.Method == "GET" && asked.Target.Contains(partOfTarget, StringComparison.Ordinal);

    public static Func<Asked, bool> Head(string partOfTarget) => asked => asked.Method == "HEAD" && asked.Target.Contains(partOfTarget, StringComparison.Ordinal);

    public static Func<Asked, bool> Any(string partOfTarget) => asked => asked.Target.Contains(partOfTarget, StringComparison.Ordinal);
}

/// <summary>Where an answer waits, until it is let on.</summary>
internal sealed class Gate
{
    private readonly TaskCompletionSource _reached = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _open = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _left = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>An answer waits here; everything before has been sent.</summary>
    public Task Reached => _reached.Task.WaitAsync(TimeSpan.FromSeconds(60));

    /// <summary>The one who was waited for has closed the connection meanwhile.</summary>
    public Task Left => _left.Task.WaitAsync(TimeSpan.FromSeconds(60));

    public bool HasLeft => _left.Task.IsCompleted;

    public void Open() => _open.TrySetResult();

    /// <returns>False if the connection is closed.</returns>
    internal async Task<bool> PassAsync(Task closed)
    {
        _reached.TrySetResult();
        await Task.WhenAny(_open.Task, closed);
        if (_open.Task.IsCompleted)
            return true;
        _left.TrySetResult();
        return false;
    }
}

/// <summary>A request as it came to the proxy.</summary>
/// <param name="Target">Path and query.</param>
internal sealed record Asked(string Method, string Target, IReadOnlyList<(string Name, string Value)> Headers)
{
    public string Header(string name) => string.Join(", ", Headers.Where(header => header.Name.Equals(name, StringComparison.OrdinalIgnoreCase)).Select(static header => header.Value));
}
