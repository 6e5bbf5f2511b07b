namespace Holdfast.Client;

/// <summary>The token of one scope, and the turn of who fetches it: many requests that find it expired fetch one.</summary>
internal sealed class ScopeToken
{
    private long _renewAt;

    public SemaphoreSlim Turn { get; } = new(1);

    public string? Text { get; private set; }

    public string? FreshAt(DateTimeOffset now) => Text is not null && now.UtcTicks < Volatile.Read(ref _renewAt) ? Text : null;

    public void Set(string text, DateTimeOffset renewAt)
    {
        Text = text;
        Volatile.Write(ref _renewAt, renewAt.UtcTicks);
    }
}
