using Holdfast.Tests.Configuration;
using Shouldly;
using Xunit;

namespace Holdfast.Tests.Commands;

/// <summary><c>holdfast cache warm</c> and what people give it for a list.</summary>
public sealed class CacheCommandTests(ConfigurationFolder folder) : IClassFixture<ConfigurationFolder>
{
    [Theory]
    [InlineData("@missing.txt", "the list: no file 'missing.txt'")]
    [InlineData("@.", "the list: '.' is a folder; name a file")]
    [InlineData("@empty.txt", "the list names no image: write one in each line, such as docker.io/library/alpine:3.20")]
    [InlineData("images.txt", "images.txt is a file: write @images.txt for the images that it lists (or images.txt:latest, if an image is called so)")]
    [InlineData("@images.txt", "'docker.io/library/al pine', 'Nginx' are not names of images; nothing was fetched")]
    [InlineData("-", "'Nginx' is not the name of an image; nothing was fetched")]
    [InlineData("quay.io/team/app", "'quay.io/team/app': there is no cache of quay.io; there are caches of docker.io")]
    public async Task Warm_OfWhatIsNoList_Exits2AndSaysWhatToDo(string list, string expected)
    {
        folder.Write("caches.yaml", """
            data: caches
            listeners: [ { url: "http://127.0.0.1:0", registry: "*" } ]
            registries: { hub: { kind: cache, upstream: { url: "http://127.0.0.1:9", namespace: docker.io } } }
            """);
        folder.Write("empty.txt", "# nothing yet\n\n");
        folder.Write("images.txt", "# what runs\r\ndocker.io/library/al pine\r\nalpine:3.20 # for the jobs\r\nNginx\r\n");
        await using var server = await RunningServer.StartAsync(folder.Path, ["--config", "caches.yaml"]);
        var (exitCode, output, errors) = await HoldfastProcess.RunWithInputAsync(folder.Path, "alpine\nNginx\n", "cache", "warm", list, "--config", "caches.yaml");
        errors.ShouldBe($"holdfast cache warm: {expected}\n");
        (exitCode, output).ShouldBe((2, ""));
    }
}
