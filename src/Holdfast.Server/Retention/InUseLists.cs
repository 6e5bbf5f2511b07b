using System.Text;
using Holdfast.Client;

namespace Holdfast.Server.Retention;

/// <summary>Reads the lists of what is in use, anew for each run. What can't be read in full is not known to be empty (P6).</summary>
internal sealed class InUseLists : IDisposable
{
    private const int MaxBytes = 16 << 20;
    private const int MaxRedirects = 3;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);
    private static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    private readonly TimeProvider _time;
    private readonly HttpClient _client = new(new SocketsHttpHandler { Proxy = new OutwardProxy(), MaxAutomaticRedirections = MaxRedirects, ConnectTimeout = Patience, PooledConnectionLifetime = Patience })
    {
        Timeout = Timeout.InfiniteTimeSpan,
    };

    public InUseLists(TimeProvider time)
    {
        _time = time;
        _client.DefaultRequestHeaders.UserAgent.ParseAdd("holdfast");
    }

    /// <returns>What the lists name, or a problem for which nothing may be removed.</returns>
    public async Task<(InUseReferences References, string? Problem)> ReadAsync(IReadOnlyList<string> lists, CancellationToken cancellationToken)
    {
        var references = new InUseReferences();
        foreach (var list in lists)
        {
            string? problem;
            try
            {
                problem = references.Add(list, await ReadAsync(list, cancellationToken));
            }
            catch (Exception e) when (e is not OperationCanceledException || !cancellationToken.IsCancellationRequested)
            {
                problem = $"the in-use list {list} can't be read: {(e is OperationCanceledException ? $"not here within {Patience.TotalSeconds} s" : e.Message)}";
            }
            if (problem is not null)
                return (InUseReferences.None, problem);
        }
        return (references, null);
    }

    public void Dispose() => _client.Dispose();

    private async Task<string> ReadAsync(string list, CancellationToken cancellationToken)
    {
        using var limit = new CancellationTokenSource(Patience, _time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        if (list.Contains("://", StringComparison.Ordinal))
            return await FetchAsync(new Uri(list), either.Token);
        await using var file = new FileStream(list, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, bufferSize: 0, FileOptions.Asynchronous);
        return await ReadAsync(file, either.Token);
    }

    private async Task<string> FetchAsync(Uri address, CancellationToken cancellationToken)
    {
        using var response = await _client.GetAsync(address, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
        // 204 and the like have no list either.
        if (response.StatusCode != System.Net.HttpStatusCode.OK)
            throw new IOException($"the answer is {(int)response.StatusCode}{(response.Headers.Location is { } to ? $", to {to}: more than {MaxRedirects} redirects, or away from https" : "")}");
        await using var body = await response.Content.ReadAsStreamAsync(cancellationToken);
        return await ReadAsync(body, cancellationToken);
    }

    private static async Task<string> ReadAsync(Stream source, CancellationToken cancellationToken)
    {
        using var read = new MemoryStream();
        var chunk = new byte[64 * 1024];
        int count;
        while ((count = await source.ReadAsync(chunk, cancellationToken)) > 0)
        {
            if (read.Length + count > MaxBytes)
                throw new IOException($"it is larger than {MaxBytes >> 20} MiB");
            read.Write(chunk, 0, count);
        }
        return StrictUtf8.GetString(read.GetBuffer(), 0, (int)read.Length);
    }
}
