namespace Holdfast.Client;

/// <summary>Reads documents: whole, into memory, and only so much (P10).</summary>
internal static class BoundedBody
{
    private const int FirstBytes = 16 << 10;

    /// <param name="limit">Bytes; one more is <see cref="RegistryOutcome.Unusable"/>.</param>
    public static async ValueTask<RegistryAnswer<ReadOnlyMemory<byte>>> ReadAsync(
        RegistryClientOptions options, HttpResponseMessage response, int limit, CancellationToken token)
    {
        var source = response.RequestMessage?.RequestUri ?? options.Registry;
        var stated = response.Content.Headers.ContentLength;
        if (stated > limit)
            return TooLarge(source, limit);
        using var whole = new CancellationTokenSource(options.DocumentTimeout, options.Time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(whole.Token, token);
        var length = 0;
        try
        {
            await using var content = await response.Content.ReadAsStreamAsync(either.Token);
            var buffer = new byte[(stated ?? FirstBytes) + 1];
            while (true)
            {
                var read = await Stall.ReadAsync(options, content, buffer.AsMemory(length), either.Token);
                if (read == 0)
                    return new(buffer.AsMemory(0, length));
                length += read;
                if (length > limit)
                    return TooLarge(source, limit);
                if (length == buffer.Length)
                    Array.Resize(ref buffer, (int)Math.Min(2L * length, limit + 1L));
            }
        }
        catch (Exception e) when (Failures.IsNetwork(e))
        {
            token.ThrowIfCancellationRequested();
            return new(whole.IsCancellationRequested
                ? new RegistryFailure(RegistryOutcome.Unavailable, $"{source.Authority}: the answer took longer than {options.DocumentTimeout.TotalSeconds:0.#} seconds")
                : Failures.OfBody(e, source, length));
        }
    }

    private static RegistryAnswer<ReadOnlyMemory<byte>> TooLarge(Uri source, int limit) =>
        new(new RegistryFailure(RegistryOutcome.Unusable, $"{source.Authority} answered with more than {limit} bytes"));
}
