using Shouldly;

namespace Holdfast.Server.Tests.Protocol;

/// <summary>For what the server does after its answer: asked again until it is so, and failing with the last value seen.</summary>
internal static class Eventually
{
    public static async Task ShouldBeAsync<T>(Func<T> read, T expected)
    {
        using var timeout = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        using var poll = new PeriodicTimer(TimeSpan.FromMilliseconds(20));
        while (!Equals(read(), expected) && !timeout.IsCancellationRequested)
            await poll.WaitForNextTickAsync();
        read().ShouldBe(expected);
    }

    public static async Task ShouldBeAsync<T>(Func<ValueTask<T>> read, T expected)
    {
        using var timeout = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        using var poll = new PeriodicTimer(TimeSpan.FromMilliseconds(20));
        while (!Equals(await read(), expected) && !timeout.IsCancellationRequested)
            await poll.WaitForNextTickAsync();
        (await read()).ShouldBe(expected);
    }
}
