using EndToEnd.Clients;
using EndToEnd.Images;
using EndToEnd.Servers;

namespace EndToEnd.Scenarios;

/// <summary>A pulled image starts as a container and answers.</summary>
public sealed class RunTests(Lab lab)
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Busybox_PulledAndRunByContainerd_PrintsItsPage()
    {
        Require.Programs("skopeo", "containerd", "ctr", "runc");
        await using var server = await Deployment.StartAsync(lab, Token);
        await using var ctr = new Ctr(lab);
        await new Skopeo(lab).PushAsync(server.For(Mode.Tls), await lab.Images.Busybox, "e2e/run", Token);
        (await ctr.RunImageAsync(server.For(Mode.Tls), "e2e/run", [], Token)).ShouldBe(ImageShelf.Page.Trim());
    }

    [Fact]
    public async Task Busybox_PulledAndRunByContainerd_AnswersOverHttp()
    {
        Require.Programs("skopeo", "containerd", "ctr", "runc");
        await using var server = await Deployment.StartAsync(lab, Token);
        await using var ctr = new Ctr(lab);
        await new Skopeo(lab).PushAsync(server.For(Mode.Plain), await lab.Images.Busybox, "e2e/run", Token);
        var port = FreePorts.Take();
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(Token);
        var running = ctr.RunImageAsync(
            server.For(Mode.Plain), "e2e/run", ["/bin/busybox", "httpd", "-f", "-p", $"127.0.0.1:{port}", "-h", "/www"], stop.Token);
        (await ReadPageAsync(port, running)).ShouldBe(ImageShelf.Page);
        await stop.CancelAsync();
        await Should.ThrowAsync<OperationCanceledException>(() => running);
    }

    [Fact]
    public async Task DebianRoot_PulledAndRunByDocker_TellsItsVersion()
    {
        Require.Programs("skopeo", "dockerd", "docker", "runc");
        await using var server = await Deployment.StartAsync(lab, Token);
        await using var docker = new Docker(lab);
        await new Skopeo(lab).PushAsync(server.For(Mode.Basic), await lab.Images.Minbase, "e2e/debian", Token);
        (await docker.RunImageAsync(server.For(Mode.Basic), "e2e/debian", Token)).ShouldMatch(@"\A\d+\.\d+\z");
    }

    private static async Task<string> ReadPageAsync(int port, Task container)
    {
        using var http = new HttpClient();
        while (true)
        {
            try
            {
                return await http.GetStringAsync(new Uri($"http://127.0.0.1:{port}/index.html"), Token);
            }
            catch (HttpRequestException) when (!container.IsCompleted)
            {
                await Task.Delay(50, Token);
            }
        }
    }
}
