namespace Holdfast.Client;

internal static class Stall
{
    /// <summary>Waits for one step of a transfer, as long as the timeout allows.</summary>
    /// <exception cref="TimeoutException">Nothing came.</exception>
    public static async ValueTask<TResult> GuardAsync<TState, TResult>(
        TimeProvider time, TimeSpan timeout, TState state, Func<TState, CancellationToken, ValueTask<TResult>> step, CancellationToken token)
    {
        using var stall = new CancellationTokenSource(timeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(stall.Token, token);
        try
        {
            return await step(state, either.Token);
        }
        catch (Exception e) when (stall.IsCancellationRequested && !token.IsCancellationRequested && Failures.IsNetwork(e))
        {
            throw new TimeoutException($"no byte came for {timeout.TotalSeconds:0.#} seconds", e);
        }
    }

    public static async ValueTask<int> ReadAsync(RegistryClientOptions options, Stream content, Memory<byte> buffer, CancellationToken token)
    {
        var read = await GuardAsync(
            options.Time, options.StallTimeout, (content, buffer), static (state, token) => state.content.ReadAsync(state.buffer, token), token);
        options.Received?.Invoke(read);
        return read;
    }
}
