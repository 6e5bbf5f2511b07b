using EndToEnd.Clients;
using EndToEnd.Servers;

namespace EndToEnd.Scenarios;

/// <summary>What one client pushes, every client gets back, byte for byte, over every transport and with every way to log in.</summary>
public abstract class MatrixTests(Lab lab)
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    protected async Task CheckAsync(Mode mode)
    {
        await using var clients = new ClientSet(lab);
        await using var server = await Deployment.StartAsync(lab, Token);
        var exchange = new Exchange(server.For(mode), await lab.Images.Busybox, Token);
        foreach (var pusher in clients.All)
        {
            var repository = $"e2e/by-{pusher.Name}";
            var closure = await exchange.PushAsync(pusher, repository);
            foreach (var puller in clients.All)
            {
                await exchange.PullAsync(puller, repository, "amd64", closure);
            }
        }
    }
}

// A class per mode, since xunit runs classes side by side and the cases of one theory in turn.
public sealed class MatrixOverHttp(Lab lab) : MatrixTests(lab)
{
    [Fact]
    [Promise("P2")]
    public Task Image_PushedByEachClientOverHttp_IsTheSameForAll() => CheckAsync(Mode.Plain);
}

public sealed class MatrixOverTls(Lab lab) : MatrixTests(lab)
{
    [Fact]
    public Task Image_PushedByEachClientOverTls_IsTheSameForAll() => CheckAsync(Mode.Tls);
}

public sealed class MatrixWithBasic(Lab lab) : MatrixTests(lab)
{
    [Fact]
    public Task Image_PushedByEachClientWithBasic_IsTheSameForAll() => CheckAsync(Mode.Basic);
}

public sealed class MatrixWithBearer(Lab lab) : MatrixTests(lab)
{
    [Fact]
    public Task Image_PushedByEachClientWithBearer_IsTheSameForAll() => CheckAsync(Mode.Bearer);
}

public sealed class MatrixAnonymous(Lab lab) : MatrixTests(lab)
{
    [Fact]
    public Task Image_PushedByEachClient_IsPulledByAllWithoutPassword() => CheckAsync(Mode.AnonymousPull);
}
