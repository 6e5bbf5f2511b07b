using System.Text.Json;
using Holdfast.Drill.Servers;
using Holdfast.Large;

namespace Holdfast.Drill.Tests;

/// <summary>The generator of large stores, at a size that is no store worth measuring.</summary>
public sealed class LargeTests
{
    private static readonly FillPlan Plan = new(Manifests: 1_000, Blobs: 3_000, Repositories: 20);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    [Promise("P2")]
    public async Task Fill_CutOffAndGoneOnWith_IsAStoreThatNothingIsWrongWith()
    {
        using var folder = new WorkFolder(null, keeps: false);
        // Its collection has no grace: what nothing held would go.
        using var server = new HoldfastServer(Server.Program, folder.Path);
        using var cut = CancellationTokenSource.CreateLinkedTokenSource(Token);
        var begun = new StoreFill(server.Data, "drill", Plan, progress => cut.Cancel());
        await Should.ThrowAsync<OperationCanceledException>(() => begun.RunAsync(cut.Token));
        (await new StoreFill(server.Data, "drill", Plan, static _ => { }).RunAsync(Token)).ShouldBe(1_000);

        await server.StartAsync(Token);
        var look = await ScrubAsync(server, "--fast");
        (look.GetProperty("unread").GetInt64(), look.GetProperty("blobs").GetInt64(), look.GetProperty("foundDamage").GetBoolean()).ShouldBe((3_000, 0, false));
        var read = await ScrubAsync(server);
        (read.GetProperty("right").GetInt64(), read.GetProperty("foundDamage").GetBoolean()).ShouldBe((3_000, false));
        var (code, output) = await server.RunCommandAsync(["verify", server.Address.Authority], Token);
        code.ShouldBe(0, output);
        server.LogEnd().ShouldNotContain("journal:");
    }

    [Theory]
    [InlineData(1_000, 3_000, 20, 900)]
    [InlineData(1_005, 3_000, 10, 905)]
    [InlineData(25, 100, 20, 25)]
    public void Images_OfAPlan_AreAllButTheIndexes(int manifests, int blobs, int repositories, int images)
    {
        var plan = new FillPlan(manifests, blobs, repositories);
        plan.Images.ShouldBe(images);
        Enumerable.Range(0, manifests).Count(manifest => !plan.IsIndex(manifest)).ShouldBe(images);
        for (var manifest = 0; manifest < manifests; manifest++)
            plan.ImagesBefore(manifest).ShouldBe(Enumerable.Range(0, manifest).Count(before => !plan.IsIndex(before)));
        plan.FirstBlob(images).ShouldBe(plan.OwnBlobs);
    }

    [Theory]
    [InlineData("--manifests", "100", "--blobs", "150")]
    [InlineData("--manifests", "10")]
    [InlineData("--manifests", "0")]
    [InlineData("--manifests")]
    [InlineData("--images", "5")]
    public void Read_OfAPlanThatCannotBe_IsRefused(params string[] arguments) => Should.Throw<UsageException>(() => FillPlan.Read(arguments));

    private static async Task<JsonElement> ScrubAsync(HoldfastServer server, params string[] options)
    {
        var (_, output) = await server.RunCommandAsync(["scrub", "run", "--data", server.Data, "--json", .. options], Token);
        // Behind the result stands what of the progress was said.
        return JsonSerializer.Deserialize<JsonElement>(output[..(output.LastIndexOf('}') + 1)]);
    }
}
