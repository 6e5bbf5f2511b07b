using System.Text;
using System.Text.Json.Nodes;
using Holdfast.Drill.Damage;
using Holdfast.Drill.Images;
using Holdfast.Drill.Protocol;
using Holdfast.Drill.Servers;
using Microsoft.Data.Sqlite;

namespace Holdfast.Drill.Tests;

/// <summary>
/// Every fault of the damage drill, and rows that are gone, met by <c>holdfast verify</c> and <c>holdfast probe</c> before the server has found any of it: each is named with its
/// tag, platform, object and answer, and nothing else is.
/// </summary>
public sealed class SeenFromOutsideTests
{
    private const string Amd64 = "linux/amd64";
    private const string Arm64 = "linux/arm64";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("verify")]
    [InlineData("probe")]
    [Promise("P4")]
    public async Task Command_EveryFaultOfTheDrill_IsNamedAndNothingElse(string command)
    {
        using var folder = new WorkFolder(null, keeps: false);
        using var server = await StartAsync(folder);
        var random = new Random(20260510);
        var expected = new List<string>();
        foreach (var kind in Enum.GetValues<WoundKind>())
        {
            foreach (var role in new[] { "layer", "config" })
                expected.AddRange(await WoundAsync(server, random, kind, role));
        }

        // A manifest has two copies; one of them alone is no damage that anyone outside may see.
        foreach (var kind in Enum.GetValues<WoundKind>().Except([WoundKind.Swapped]))
            Wounds.Inflict(server.BlobFile((await PushAsync(server, random, $"copy-{kind}".ToLowerInvariant())).Children[1].Digest), kind, random);

        await ShouldNameAsync(server, command, expected);
    }

    [Theory]
    [InlineData("verify")]
    [InlineData("probe")]
    [Promise("P4")]
    public async Task Command_RowsGone_AreNamedAndNothingElse(string command)
    {
        using var folder = new WorkFolder(null, keeps: false);
        using var server = await StartAsync(folder);
        var random = new Random(20260511);
        var link = (await PushAsync(server, random, "rows/link")).Children[1].Blobs[^1].Digest;
        var child = (await PushAsync(server, random, "rows/child")).Children[0].Digest;
        var both = (await PushAsync(server, random, "rows/both-copies")).Children[1].Digest;
        var payload = (await PushAsync(server, random, "rows/payload")).Children[1].Digest;
        await PushAsync(server, random, "rows/whole");
        await server.StopAsync();
        using (var database = new SqliteConnection($"Data Source={Path.Combine(server.Data, "holdfast.db")};Foreign Keys=False;Pooling=False"))
        {
            database.Open();
            Remove(database, "links", link);
            Remove(database, "manifests", child);
            Remove(database, "manifest_payloads", both);
            Remove(database, "manifest_payloads", payload);
        }

        Wounds.Remove(server.BlobFile(both));
        await server.StartAsync(Token);

        await ShouldNameAsync(server, command,
        [
            $"rows/link v1 {Arm64} layer {link} missing 404 BLOB_UNKNOWN",
            $"rows/child v1 {Amd64} child {child} missing 404 MANIFEST_UNKNOWN",
            $"rows/both-copies v1 {Arm64} child {both} missing 404 MANIFEST_UNKNOWN",
        ]);
    }

    /// <summary>Nothing that runs by itself finds or mends anything within the test: it is the commands that must.</summary>
    private static async Task<HoldfastServer> StartAsync(WorkFolder folder)
    {
        var server = new HoldfastServer(Server.Program, folder.Path) { Wrapper = OtherUser.Wrapper(folder.Path) };
        server.Settings["collection"] = "{ grace: 24h }";
        server.Settings["trash"] = "{ keep: 7d }";
        server.Settings["scrub"] = "{ sweep: 1d, period: 30d, rate: 1KiB/s }";
        server.Settings["probe"] = "{ enabled: false }";
        await server.StartAsync(Token);
        return server;
    }

    /// <returns>The findings that it must lead to.</returns>
    private static async Task<List<string>> WoundAsync(HoldfastServer server, Random random, WoundKind kind, string role)
    {
        var repository = $"{kind}/{role}".ToLowerInvariant();
        var image = (await PushAsync(server, random, repository)).Children[1];
        var (config, layer) = (image.Blobs[0].Digest, image.Blobs[^1].Digest);
        var hurt = new List<(string Role, string Digest)> { role == "config" ? ("config", config) : ("layer", layer) };
        if (kind == WoundKind.Swapped)
        {
            Wounds.Swap(server.BlobFile(config), server.BlobFile(layer));
            hurt = [("config", config), ("layer", layer)];
        }
        else
        {
            Wounds.Inflict(server.BlobFile(hurt[0].Digest), kind, random);
        }

        return [.. hurt.Select(one => $"{repository} v1 {Arm64} {one.Role} {one.Digest} {AnswerTo(kind)}")];
    }

    // What is there and can't be read is not known to be gone (P6); all else is, and a push brings it back.
    private static string AnswerTo(WoundKind kind) => kind is WoundKind.Unreadable or WoundKind.Folder or WoundKind.Linked
        ? "unchecked 500 STORE_UNREADABLE"
        : "missing 404 BLOB_UNKNOWN";

    private static async Task ShouldNameAsync(HoldfastServer server, string command, IReadOnlyList<string> expected)
    {
        var (exitCode, output) = await server.RunCommandAsync([command, server.Address.Authority, "--json"], Token);

        exitCode.ShouldBe(1, output);
        var report = JsonNode.Parse(output[..(output.LastIndexOf('}') + 1)])!;
        report["findings"]!.AsArray().Select(finding => finding!)
            .Select(finding => $"{finding["repository"]} {finding["reference"]} {finding["platform"]} {finding["role"]} {finding["digest"]} {finding["kind"]} {finding["status"]} {finding["code"]}")
            .ShouldBe(expected, ignoreOrder: true);
    }

    private static async Task<Manifest> PushAsync(HoldfastServer server, Random random, string repository)
    {
        // Nothing is shared, so that one wound hurts one tag.
        var maker = new ImageMaker(random, layerBytes: 100_000);
        Manifest[] children = [maker.Image(2, sharing: false), maker.Image(2, sharing: false)];
        var listed = children.Zip(["amd64", "arm64"], (child, architecture) => (JsonNode)new JsonObject
        {
            ["mediaType"] = child.MediaType,
            ["digest"] = child.Digest,
            ["size"] = child.Content.Bytes.Length,
            ["platform"] = new JsonObject { ["os"] = "linux", ["architecture"] = architecture },
        });
        var json = new JsonObject { ["schemaVersion"] = 2, ["mediaType"] = Manifest.IndexType, ["manifests"] = new JsonArray([.. listed]) };
        var index = new Manifest(Content.Of(Encoding.UTF8.GetBytes(json.ToJsonString())), Manifest.IndexType, [], children);
        foreach (var blob in children.SelectMany(child => child.Blobs))
            (await server.Client.UploadAsync(repository, blob, UploadWay.Put, Token)).Status.ShouldBe(201);
        foreach (var manifest in index.Closure)
            (await server.Client.PutManifestAsync(repository, manifest, manifest == index ? ["v1"] : [], Token)).Status.ShouldBe(201);
        return index;
    }

    private static void Remove(SqliteConnection database, string table, string digest)
    {
        using var command = database.CreateCommand();
        command.CommandText = $"DELETE FROM {table} WHERE blob_id = (SELECT id FROM blobs WHERE hex(digest) LIKE '%' || $hex)";
        command.Parameters.AddWithValue("$hex", digest[7..].ToUpperInvariant());
        command.ExecuteNonQuery().ShouldBe(1);
    }
}
