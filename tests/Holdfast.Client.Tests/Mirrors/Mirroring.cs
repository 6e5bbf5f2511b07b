using System.Net;
using Holdfast.Oci;
using Holdfast.Server.Tests.Hosting;
using Microsoft.AspNetCore.Http;

namespace Holdfast.Client.Tests.Mirrors;

/// <summary>What a test of mirrors wants of them.</summary>
internal sealed record Mirroring(params Uri[] Addresses)
{
    public const string Json = """{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}""";

    public string Cache { get; init; } = "hub";

    public string Namespace { get; init; } = "registry.example";

    public TimeProvider Time { get; init; } = TimeProvider.System;

    // By a clock that stands still nothing takes longer, and no retry fits into it.
    public TimeSpan? AnswerTimeout { get; init; }

    public TimeSpan StallTimeout { get; init; } = TimeSpan.FromMinutes(30);

    public int MaxConnections { get; init; } = 64;

    public bool? PrivateRedirects { get; init; }

    public Func<string, CancellationToken, ValueTask<IReadOnlyList<IPAddress>>>? Resolve { get; init; }

    public IWebProxy? Proxy { get; init; }

    public string? TrustFile { get; init; }

    public bool WithUser { get; init; }

    public string? Via { get; init; }

    public Action<MirrorState>? Changed { get; init; }

    public Client.Upstream Start() => new(new UpstreamPlan
    {
        Cache = Cache,
        Namespace = Namespace,
        Mirrors = [.. Addresses.Select(address => new UpstreamMirror { Address = address, Username = WithUser ? Samples.User : null, Password = WithUser ? Samples.Password : null })],
        Time = Time,
        AnswerTimeout = AnswerTimeout ?? (Time is ManualTime ? TimeSpan.FromMilliseconds(200) : TimeSpan.FromSeconds(60)),
        StallTimeout = StallTimeout,
        MaxConnections = MaxConnections,
        PrivateRedirects = PrivateRedirects,
        Resolve = Resolve,
        Proxy = Proxy,
        TrustFile = TrustFile,
        Via = Via,
        Changed = Changed,
        Jitter = static () => 0,
    });

    public static Task<Upstream> ServeAsync(int status) => Upstream.StartAsync((context, _) => context.AnswerAsync(status));

    public static Task<Upstream> ServeAsync() => Upstream.StartAsync((context, _) => context.SendManifestAsync());

    /// <summary>An address at which nothing listens.</summary>
    public static async Task<Uri> ClosedAsync()
    {
        await using var upstream = await ServeAsync();
        return upstream.Address;
    }

    /// <summary>Longer than anything takes here, so that what hangs is red and not a run without an end.</summary>
    public static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    /// <summary>Moves the clock in small steps until something is done.</summary>
    /// <returns>How far it was moved.</returns>
    /// <exception cref="TimeoutException">It never was.</exception>
    public static async Task<TimeSpan> MoveUntilAsync(ManualTime time, Task done)
    {
        var start = time.GetUtcNow();
        using var poll = new PeriodicTimer(TimeSpan.FromMilliseconds(5));
        while (!done.IsCompleted && time.GetUtcNow() - start < TimeSpan.FromMinutes(30))
        {
            await poll.WaitForNextTickAsync();
            time.Advance(TimeSpan.FromMilliseconds(100));
        }
        await Task.WhenAny(done).WaitAsync(TimeSpan.FromSeconds(1));
        return time.GetUtcNow() - start;
    }
}

internal static class MirroringCalls
{
    public static Task SendManifestAsync(this HttpContext context)
    {
        context.Response.ContentType = MediaTypes.OciIndex;
        return context.SendAsync(System.Text.Encoding.UTF8.GetBytes(Mirroring.Json));
    }

    public static async ValueTask<RegistryAnswer<RemoteManifest>> GetAsync(this Client.Upstream upstream, string tag)
    {
        using var tooLong = new CancellationTokenSource(Mirroring.Limit);
        return await upstream.GetManifestAsync(Samples.Repository, Tag.Parse(tag), tooLong.Token);
    }

    public static async Task<byte[]> ReadAsync(this RemoteBlob blob)
    {
        using var received = new MemoryStream();
        await using (blob)
            await blob.Content.CopyToAsync(received).WaitAsync(Mirroring.Limit);
        return received.ToArray();
    }
}
