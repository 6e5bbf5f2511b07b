namespace Holdfast.Client;

/// <summary>The token of one scope, and the turn of who fetches it: many requests that find it expired fetch one.</summary>
internal sealed class ScopeToken
{
    private long _renewAt;

    public SemaphoreSlim Turn { get; } = new(1);

    public string? Text { get; private set; }

    /// <summary>How many have tried to fetch it so far.</summary>
    public int Fetches { get; private set; }

    /// <summary>What came of the last try, if it failed: those who waited for it need not each try the same again.</summary>
    public RegistryFailure? Failure { get; private set; }

    public string? FreshAt(DateTimeOffset now) => Text is not null && now.UtcTicks < Volatile.Read(ref _renewAt) ? Text : null;

    public void Fail(RegistryFailure failure) => (Failure, Fetches) = (failure, Fetches + 1);

    public void Set(string text, DateTimeOffset renewAt)
    {
        (Text, Failure, Fetches) = (text, null, Fetches + 1);
        Volatile.Write(ref _renewAt, renewAt.UtcTicks);
    }
}
