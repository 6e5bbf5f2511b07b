using System.Net;
using Shouldly;
using Xunit;

namespace Holdfast.Client.Tests;

/// <summary>A proxy of the environment is for the way out.</summary>
public class ProxyTests
{
    [Fact]
    public async Task Request_ToThisMachine_GoesPastTheProxy()
    {
        await using var proxy = await Upstream.StartAsync((context, _) => context.AnswerAsync(200, "{}"));
        await using var registry = await Upstream.StartAsync((context, _) => context.AnswerAsync(200, "{}"));
        using var client = new RegistryClient(new RegistryClientOptions { Registry = registry.Address, Token = "pass", Proxy = new OutwardProxy(new WebProxy(proxy.Address)) });

        (await client.PingAsync(CancellationToken.None)).Outcome.ShouldBe(RegistryOutcome.Found);

        proxy.Requests.ShouldBeEmpty();
        registry.Requests.ShouldHaveSingleItem();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Request_ToAnotherMachine_GoesThroughTheProxyUnlessThereIsToBeNone(bool isProxied)
    {
        await using var proxy = await Upstream.StartAsync((context, _) => context.AnswerAsync(200, "{}"));
        using var client = new RegistryClient(new RegistryClientOptions
        {
            Registry = new Uri("http://registry.invalid"),
            Proxy = isProxied ? new OutwardProxy(new WebProxy(proxy.Address)) : null,
        });

        (await client.PingAsync(CancellationToken.None)).Outcome.ShouldBe(isProxied ? RegistryOutcome.Found : RegistryOutcome.Unavailable);

        proxy.Requests.Count.ShouldBe(isProxied ? 1 : 0);
    }

    [Fact]
    public void Options_ByThemselves_UseTheProxyForTheWayOut() =>
        new RegistryClientOptions { Registry = new Uri("http://127.0.0.1") }.Proxy.ShouldBeOfType<OutwardProxy>();
}
