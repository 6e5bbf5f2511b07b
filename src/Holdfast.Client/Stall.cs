namespace Holdfast.Client;

internal static class Stall
{
    /// <summary>Waits for one step of a transfer, as long as <see cref="RegistryClientOptions.StallTimeout"/> allows.</summary>
    /// <exception cref="TimeoutException">Nothing came.</exception>
    public static async ValueTask<TResult> GuardAsync<TState, TResult>(
        RegistryClientOptions options, TState state, Func<TState, CancellationToken, ValueTask<TResult>> step, CancellationToken token)
    {
        using var stall = new CancellationTokenSource(options.StallTimeout, options.Time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(stall.Token, token);
        try
        {
            return await step(state, either.Token);
        }
        catch (Exception e) when (stall.IsCancellationRequested && !token.IsCancellationRequested && Failures.IsNetwork(e))
        {
            throw new TimeoutException($"no byte came for {options.StallTimeout.TotalSeconds:0.#} seconds", e);
        }
    }

    public static ValueTask<int> ReadAsync(RegistryClientOptions options, Stream content, Memory<byte> buffer, CancellationToken token) =>
        GuardAsync(options, (content, buffer), static (state, token) => state.content.ReadAsync(state.buffer, token), token);
}
