using System.Formats.Tar;
using System.IO.Compression;
using System.Text;
using System.Text.Json.Nodes;
using Holdfast.Doctor.Sources;
using Holdfast.Oci;

namespace Holdfast.Doctor.Tests.Sources;

public sealed class SourceTests : IDisposable
{
    private static readonly RepositoryName App = RepositoryName.Parse("team/app");
    private readonly TemporaryFolder _folder = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task RegistryFolder_Images_AreListedAndRead()
    {
        var registry = new FakeRegistry(_folder.Path);
        var tagged = registry.PutImage("team/app", "v1");
        var untagged = registry.PutImage("team/app");
        registry.PutImage("other", "v1");
        registry.PutImage("team/app", "broken");
        File.Delete(registry.TagFolder("team/app", "broken") + "/current/link");
        await using var source = await OpenAsync(_folder.Path);

        var images = await source.ListImagesAsync(name => name == App, Token).ToListAsync(Token);
        images.Select(image => (image.Tag.ToString(), image.Digest)).ShouldContain(("v1", tagged.Manifest.Digest));
        images.Select(image => (image.Tag.ToString(), image.Digest)).ShouldContain(("", untagged.Manifest.Digest));
        images.Single(image => image.Tag.ToString() == "broken").Problem.ShouldNotBeNull();
        images.ShouldAllBe(image => image.Repository == App);
        await ShouldGiveAsync(source, tagged.Layers[0].Digest);
        (await source.TryReadManifestAsync(App, tagged.Manifest.Digest, Token)).ShouldNotBeNull().Payload.Length.ShouldBe((int)tagged.Manifest.SizeBytes);
        (await source.TryOpenBlobAsync(App, Digest.Compute(DigestAlgorithm.Sha256, [9]), Token)).ShouldBeNull();
    }

    [Fact]
    public async Task TryReadManifest_OtherBytes_IsRefused()
    {
        var registry = new FakeRegistry(_folder.Path);
        var digest = registry.PutImage("team/app", "v1").Manifest.Digest;
        File.WriteAllText(registry.DataFile(digest), "{}");
        await using var source = await OpenAsync(_folder.Path);

        (await Should.ThrowAsync<SourceException>(async () => await source.TryReadManifestAsync(App, digest, Token))).Message.ShouldContain("other bytes");
    }

    [Theory]
    [InlineData("team/app:v1", "team/app", "v1")]
    [InlineData("host:5000/team/app:v1", "team/app", "v1")]
    [InlineData("docker.io/library/app", "library/app", "")]
    [InlineData("v1", "", "v1")]
    [InlineData("app:v1@sha256:00", "app", "v1")]
    public async Task Layout_NamedImages_AreListedByName(string name, string repository, string tag)
    {
        var digest = WriteLayout(_folder.Path, name);
        await using var source = await OpenAsync(_folder.Path);

        var image = (await source.ListImagesAsync(_ => true, Token).ToListAsync(Token)).ShouldHaveSingleItem();
        (image.Repository.ToString(), image.Tag.ToString(), image.Digest).ShouldBe((repository, tag, digest));
        await ShouldGiveAsync(source, digest);
    }

    [Fact]
    public async Task Layout_IndexThatIsNoIndex_SaysSo()
    {
        WriteLayout(_folder.Path, "v1");
        await File.WriteAllTextAsync(_folder.Path + "/index.json", "[1", Token);
        await using var source = await OpenAsync(_folder.Path);

        (await Should.ThrowAsync<SourceException>(async () => await source.ListImagesAsync(_ => true, Token).ToListAsync(Token))).Message.ShouldContain("not JSON");
    }

    [Fact]
    public async Task OciArchive_Images_AreReadInPlace()
    {
        var layout = Directory.CreateDirectory(_folder.Path + "/layout").FullName;
        var digest = WriteLayout(layout, "app:v1");
        await TarFile.CreateFromDirectoryAsync(layout, _folder.Path + "/a.tar", includeBaseDirectory: false, Token);
        await using var source = await OpenAsync(_folder.Path + "/a.tar");

        (await source.ListImagesAsync(_ => true, Token).ToListAsync(Token)).ShouldHaveSingleItem().Digest.ShouldBe(digest);
        await ShouldGiveAsync(source, digest);
    }

    [Fact]
    public async Task DockerArchive_Image_BecomesAManifestOfItsFiles()
    {
        var (config, layer) = await WriteDockerArchiveAsync(_folder.Path + "/d.tar");
        await using var source = await OpenAsync(_folder.Path + "/d.tar");

        var images = await source.ListImagesAsync(_ => true, Token).ToListAsync(Token);
        images.Select(image => $"{image.Repository}:{image.Tag}").ShouldBe(["team/app:v1", "team/app:v2"]);
        var payload = (await source.TryReadManifestAsync(App, images[0].Digest, Token)).ShouldNotBeNull().Payload;
        ManifestParser.TryParse(payload, null, out var manifest, out _).ShouldBeTrue();
        manifest!.Config!.Digest.ShouldBe(config);
        manifest.Layers.Select(l => l.Digest).ShouldBe([layer, layer]);
        await ShouldGiveAsync(source, config);
        await ShouldGiveAsync(source, layer);
    }

    [Fact]
    public async Task GzippedArchive_Image_IsReadAsTheArchiveIsAndLeavesNothingBehind()
    {
        var (config, layer) = await WriteDockerArchiveAsync(_folder.Path + "/d.tar");
        await GzipAsync(await File.ReadAllBytesAsync(_folder.Path + "/d.tar", Token), _folder.Path + "/d.tar.gz");
        var before = Directory.GetFiles(Path.GetTempPath(), "holdfast-*");
        await using var source = await OpenAsync(_folder.Path + "/d.tar.gz");

        Directory.GetFiles(Path.GetTempPath(), "holdfast-*").ShouldBe(before, "the unpacked file has no name");
        (await source.ListImagesAsync(_ => true, Token).ToListAsync(Token)).Select(image => $"{image.Repository}:{image.Tag}").ShouldBe(["team/app:v1", "team/app:v2"]);
        await ShouldGiveAsync(source, config);
        await ShouldGiveAsync(source, layer);
    }

    [Fact]
    public async Task GzippedArchive_ThatUnpacksToFarMoreThanItsSize_IsRefused()
    {
        var path = _folder.Path + "/bomb.tar.gz";
        await GzipAsync(new byte[20_000_000], path);
        using var packed = File.OpenHandle(path);

        Should.Throw<SourceException>(() => UnpackedArchive.Unpack(path, packed, harmlessBytes: 1 << 20, Token)).Message.ShouldContain("50 times its size");
    }

    [Theory]
    [InlineData(new byte[] { 0x28, 0xb5, 0x2f, 0xfd, 0 }, "zstd -d")]
    [InlineData(new byte[] { 0xfd, 0x37, 0x7a, 0x58, 0x5a, 0 }, "xz -d")]
    [InlineData(new byte[] { 0x42, 0x5a, 0x68, 0x39 }, "bzip2 -d")]
    public async Task Archive_PackedOtherwise_SaysHowToUnpackIt(byte[] start, string command)
    {
        await File.WriteAllBytesAsync(_folder.Path + "/x.tar.zst", [.. start, .. new byte[1000]], Token);

        (await Should.ThrowAsync<SourceException>(async () => await OpenAsync(_folder.Path + "/x.tar.zst"))).Message.ShouldContain(command);
    }

    [Theory]
    [InlineData("garbage")]
    [InlineData("cut gzip")]
    [InlineData("gzip")]
    [InlineData("cut")]
    [InlineData("no image")]
    public async Task Archive_ThatIsNone_SaysWhy(string kind)
    {
        var path = _folder.Path + "/x.tar";
        await WriteDockerArchiveAsync(path);
        var bytes = await File.ReadAllBytesAsync(path, Token);
        switch (kind)
        {
            case "garbage": await File.WriteAllTextAsync(path, new string('x', 5000), Token); break;
            case "gzip": await File.WriteAllBytesAsync(path, [0x1f, 0x8b, .. bytes], Token); break;
            case "cut gzip":
                await GzipAsync(bytes, path);
                await File.WriteAllBytesAsync(path, (await File.ReadAllBytesAsync(path, Token))[..^100], Token);
                break;
            case "cut": await File.WriteAllBytesAsync(path, bytes[..600], Token); break;
            case "no image":
                Directory.CreateDirectory(_folder.Path + "/some");
                File.Delete(path);
                await TarFile.CreateFromDirectoryAsync(_folder.Path + "/some", path, includeBaseDirectory: true, Token);
                break;
        }

        (await Should.ThrowAsync<SourceException>(async () => await OpenAsync(path))).Message.ShouldContain(path);
    }

    [Fact]
    public async Task Containerd_ContentStore_GivesBlobsAndListsNothing()
    {
        var store = Directory.CreateDirectory(_folder.Path + "/io.containerd.content.v1.content/blobs/sha256").FullName;
        var digest = Digest.Compute(DigestAlgorithm.Sha256, [1, 2]);
        await File.WriteAllBytesAsync($"{store}/{digest.Hex}", [1, 2], Token);
        await using var source = await OpenAsync(_folder.Path);

        source.CanList.ShouldBeFalse();
        await ShouldGiveAsync(source, digest);
    }

    [Fact]
    public async Task Open_FolderOfNothingKnown_SaysWhatIsKnown() =>
        (await Should.ThrowAsync<SourceException>(async () => await OpenAsync(_folder.Path))).Message.ShouldContain("OCI layouts");

    private static async Task GzipAsync(byte[] bytes, string path)
    {
        await using var gzip = new GZipStream(File.Create(path), CompressionLevel.Fastest);
        await gzip.WriteAsync(bytes, Token);
    }

    private static async Task<ContentSource> OpenAsync(string path) => (await SourceFinder.OpenAsync(path, _ => { }, Token)).ShouldHaveSingleItem();

    private static async Task ShouldGiveAsync(ContentSource source, Digest digest)
    {
        await using var blob = (await source.TryOpenBlobAsync(App, digest, Token)).ShouldNotBeNull();
        using var bytes = new MemoryStream();
        await blob.Content.CopyToAsync(bytes, Token);
        Digest.Compute(DigestAlgorithm.Sha256, bytes.ToArray()).ShouldBe(digest);
        blob.SizeBytes.ShouldBe(bytes.Length);
        if (blob.File is { } file)
            (await File.ReadAllBytesAsync(file, Token)).ShouldBe(bytes.ToArray());
    }

    private static Digest WriteLayout(string folder, string name)
    {
        var blob = Encoding.UTF8.GetBytes("""{"schemaVersion":2}""");
        var digest = Digest.Compute(DigestAlgorithm.Sha256, blob);
        Directory.CreateDirectory(folder + "/blobs/sha256");
        File.WriteAllBytes($"{folder}/blobs/sha256/{digest.Hex}", blob);
        File.WriteAllText(folder + "/oci-layout", """{"imageLayoutVersion":"1.0.0"}""");
        var entry = new JsonObject { ["digest"] = digest.ToString(), ["size"] = blob.Length, ["annotations"] = new JsonObject { ["org.opencontainers.image.ref.name"] = name } };
        File.WriteAllText(folder + "/index.json", new JsonObject { ["schemaVersion"] = 2, ["manifests"] = new JsonArray(entry) }.ToJsonString());
        return digest;
    }

    // As docker 20.10 writes it, the second layer being the same as the first: a link.
    private static async Task<(Digest Config, Digest Layer)> WriteDockerArchiveAsync(string path)
    {
        var layer = Encoding.UTF8.GetBytes("a layer's tar");
        var layerDigest = Digest.Compute(DigestAlgorithm.Sha256, layer);
        var config = Encoding.UTF8.GetBytes($$$"""{"rootfs":{"type":"layers","diff_ids":["{{{layerDigest}}}","{{{layerDigest}}}"]}}""");
        var configDigest = Digest.Compute(DigestAlgorithm.Sha256, config);
        var manifest = $$"""[{"Config":"{{configDigest.Hex}}.json","RepoTags":["127.0.0.1:5000/team/app:v1","team/app:v2"],"Layers":["a/layer.tar","b/layer.tar"]}]""";
        await using var file = File.Create(path);
        await using var tar = new TarWriter(file);
        await AddAsync(tar, $"{configDigest.Hex}.json", config);
        await AddAsync(tar, "a/layer.tar", layer);
        await tar.WriteEntryAsync(new PaxTarEntry(TarEntryType.SymbolicLink, "b/layer.tar") { LinkName = "../a/layer.tar" }, Token);
        await AddAsync(tar, "manifest.json", Encoding.UTF8.GetBytes(manifest));
        return (configDigest, layerDigest);
    }

    private static async Task AddAsync(TarWriter tar, string name, byte[] bytes) =>
        await tar.WriteEntryAsync(new PaxTarEntry(TarEntryType.RegularFile, name) { DataStream = new MemoryStream(bytes) }, Token);
}
