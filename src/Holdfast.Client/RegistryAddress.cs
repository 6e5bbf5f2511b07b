namespace Holdfast.Client;

/// <summary>Finds out at which address a registry answers: https, and plain http only on this machine or where it was asked for.</summary>
public static class RegistryAddress
{
    /// <param name="target">The registry; a scheme that was written is what was asked for.</param>
    /// <param name="plainHttp">Is plain http asked for wherever nothing else is written?</param>
    /// <param name="options">Makes the options for an address.</param>
    public static async Task<RegistryAnswer<Uri>> FindAsync(
        RegistryTarget target, bool plainHttp, Func<Uri, RegistryClientOptions> options, CancellationToken token)
    {
        if (target.Scheme is { } scheme || !(plainHttp || target.IsLoopback))
            return await TryAsync(target.AddressOver(target.Scheme ?? "https"), options, token);
        // What speaks TLS only breaks the connection or answers 400; nothing secret is sent to find out.
        var plain = await TryAsync(target.AddressOver("http"), options, token);
        if (plain.Failure is null || (plainHttp && !target.IsLoopback))
            return plain;
        var tls = await TryAsync(target.AddressOver("https"), options, token);
        return tls.Failure is null || tls.Failure.Detail.Contains("certificate", StringComparison.Ordinal) ? tls : plain;
    }

    private static async Task<RegistryAnswer<Uri>> TryAsync(Uri address, Func<Uri, RegistryClientOptions> options, CancellationToken token)
    {
        using var client = new RegistryClient(options(address));
        var answer = await client.PingAsync(token);
        return answer.TryGet(out _, out var failure) ? new(address) : new(failure);
    }
}
