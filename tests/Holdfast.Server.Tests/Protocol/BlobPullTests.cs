using System.Net;
using Holdfast.Oci;
using Holdfast.Server.Tests.Hosting;
using Holdfast.Testing;
using Shouldly;
using Xunit;

namespace Holdfast.Server.Tests.Protocol;

public sealed class BlobPullTests(RegistryFixture registry) : IClassFixture<RegistryFixture>
{
    private static readonly byte[] Content = Samples.Bytes(1, 2048);

    private async Task<string> PushAsync() => $"/v2/pull/blobs/{await registry.PushBlobAsync("pull", Content)}";

    [Fact, Spec("1.1.1", "end-2")]
    public async Task Get_StoredBlob_GivesBytesLengthAndDigest()
    {
        using var response = await registry.GetAsync(await PushAsync());
        response.StatusCode.ShouldBe(HttpStatusCode.OK);
        (await response.Content.ReadAsByteArrayAsync()).ShouldBe(Content);
        response.Content.Headers.ContentLength.ShouldBe(Content.Length);
        response.Headers.GetValues("Docker-Content-Digest").ShouldBe([Samples.DigestOf(Content).ToString()]);
        response.Headers.GetValues("Docker-Distribution-API-Version").ShouldBe(["registry/2.0"]);
    }

    [Fact, Spec("1.1.1", "end-2")]
    public async Task Head_StoredBlob_GivesLengthAndDigestWithoutBytes()
    {
        using var response = await registry.HeadAsync(await PushAsync());
        response.StatusCode.ShouldBe(HttpStatusCode.OK);
        response.Content.Headers.ContentLength.ShouldBe(Content.Length);
        response.Headers.GetValues("Docker-Content-Digest").ShouldBe([Samples.DigestOf(Content).ToString()]);
        (await response.Content.ReadAsByteArrayAsync()).ShouldBeEmpty();
    }

    [Theory, Spec("1.1.1", "end-2"), Spec("1.1.1", "code-1")]
    [InlineData("GET")]
    [InlineData("HEAD")]
    public async Task Get_BlobOfAnotherRepository_Is404(string method)
    {
        await PushAsync();
        using var response = await registry.SendAsync(new HttpMethod(method), $"/v2/elsewhere/blobs/{Samples.DigestOf(Content)}");
        response.StatusCode.ShouldBe(HttpStatusCode.NotFound);
        if (method == "GET")
            (await response.ErrorAsync()).Code.ShouldBe("BLOB_UNKNOWN");
    }

    [Theory, Spec("1.1.1", "end-2")]
    [InlineData("bytes=500-1499", 500, 1499)]
    [InlineData("bytes=500-", 500, 2047)]
    [InlineData("bytes=-500", 1548, 2047)]
    [InlineData("bytes=2000-5000", 2000, 2047)]
    [InlineData("bytes=0-0", 0, 0)]
    [InlineData("bytes=-5000", 0, 2047)]
    [InlineData("bytes=0-99999999999999999999999", 0, 2047)]
    public async Task Get_Range_GivesThatPart(string range, int first, int last)
    {
        using var response = await registry.GetAsync(await PushAsync(), ("Range", range));
        response.StatusCode.ShouldBe(HttpStatusCode.PartialContent);
        response.Content.Headers.GetValues("Content-Range").ShouldBe([$"bytes {first}-{last}/2048"]);
        (await response.Content.ReadAsByteArrayAsync()).ShouldBe(Content[first..(last + 1)]);
    }

    [Theory, Spec("1.1.1", "end-2")]
    [InlineData("bytes=500-0")]
    [InlineData("bytes=2048-")]
    [InlineData("bytes=5000-10000")]
    [InlineData("bytes=-0")]
    [InlineData("bytes=0-1,5-6")]
    [InlineData("bytes=a-b")]
    [InlineData("bytes=-")]
    [InlineData("bytes=99999999999999999999999-")]
    public async Task Get_RangeThatCannotBe_Is416WithTheSize(string range)
    {
        using var response = await registry.GetAsync(await PushAsync(), ("Range", range));
        response.StatusCode.ShouldBe(HttpStatusCode.RequestedRangeNotSatisfiable);
        response.Content.Headers.GetValues("Content-Range").ShouldBe(["bytes */2048"]);
    }

    [Fact, Spec("1.1.1", "end-2")]
    public async Task Get_UnknownRangeUnit_GivesTheWholeBlob()
    {
        using var response = await registry.GetAsync(await PushAsync(), ("Range", "lines=1-2"));
        response.StatusCode.ShouldBe(HttpStatusCode.OK);
        (await response.Content.ReadAsByteArrayAsync()).ShouldBe(Content);
    }

    [Theory]
    [InlineData(true, HttpStatusCode.PartialContent)]
    [InlineData(false, HttpStatusCode.OK)]
    public async Task Get_IfRange_GivesThePartOnlyOfTheSameBlob(bool same, HttpStatusCode expected)
    {
        var path = await PushAsync();
        var tag = same ? $"\"{Samples.DigestOf(Content)}\"" : "\"other\"";
        using var response = await registry.GetAsync(path, ("Range", "bytes=1-2"), ("If-Range", tag));
        response.StatusCode.ShouldBe(expected);
    }

    [Fact]
    public async Task Get_IfNoneMatch_Is304()
    {
        var path = await PushAsync();
        using var first = await registry.HeadAsync(path);
        var etag = first.Headers.ETag!.ToString();
        using var again = await registry.GetAsync(path, ("If-None-Match", $"\"x\", {etag}"));
        again.StatusCode.ShouldBe(HttpStatusCode.NotModified);
        using var other = await registry.GetAsync(path, ("If-None-Match", "\"x\""));
        other.StatusCode.ShouldBe(HttpStatusCode.OK);
    }

    [Fact, Spec("1.1.1", "end-2")]
    public async Task Get_EmptyBlob_GivesNoBytes()
    {
        var digest = await registry.PushBlobAsync("pull", []);
        using var response = await registry.GetAsync($"/v2/pull/blobs/{digest}");
        response.StatusCode.ShouldBe(HttpStatusCode.OK);
        response.Content.Headers.ContentLength.ShouldBe(0);
    }

    [Fact]
    public async Task Head_WithRange_TellsOfTheWholeBlob()
    {
        using var response = await registry.HeadAsync(await PushAsync(), ("Range", "bytes=1-2"));
        response.StatusCode.ShouldBe(HttpStatusCode.OK);
        response.Content.Headers.ContentLength.ShouldBe(Content.Length);
        response.Headers.GetValues("X-Content-Type-Options").ShouldBe(["nosniff"]);
    }

    [Fact, Promise("P4")]
    public async Task Get_BlobCutOffWhileItIsSent_BreaksOffAndIsLogged()
    {
        using var logs = new CollectedLogs();
        await using var own = new RegistryFixture { Logs = logs };
        await own.InitializeAsync();
        // More than the sockets and pipes between can hold.
        var content = Samples.Bytes(99, 64 << 20);
        var digest = await own.PushBlobAsync("cut", content);
        using var request = new HttpRequestMessage(HttpMethod.Get, $"/v2/cut/blobs/{digest}");
        using var response = await own.Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        await using var body = await response.Content.ReadAsStreamAsync();
        using (var file = new FileStream(own.BlobFile(digest), Writable(own.BlobFile(digest))))
            file.SetLength(content.Length - 1);

        await Should.ThrowAsync<IOException>(() => body.CopyToAsync(Stream.Null));
        await Eventually.ShouldBeAsync(() => logs.Lines.Any(line => line.StartsWith("Error", StringComparison.Ordinal)), true);
    }

    private static FileStreamOptions Writable(string file)
    {
        File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        return new FileStreamOptions { Mode = FileMode.Open, Access = FileAccess.Write, Share = FileShare.ReadWrite };
    }

    [Theory, Promise("P4")]
    [InlineData("remove")]
    [InlineData("truncate")]
    [InlineData("grow")]
    [InlineData("empty")]
    public async Task Get_BlobDamagedOnDisk_Is404ForHeadAndGetUntilAPushHealsIt(string damage)
    {
        var content = Samples.Bytes(damage.Length + 7, 4096);
        var path = $"/v2/damaged/blobs/{await registry.PushBlobAsync("damaged", content)}";
        var file = registry.BlobFile(Samples.DigestOf(content));
        File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        if (damage == "remove")
            File.Delete(file);
        else
            File.WriteAllBytes(file, damage switch { "truncate" => content[..100], "grow" => [.. content, 1], _ => [] });

        using (var head = await registry.HeadAsync(path))
            head.StatusCode.ShouldBe(HttpStatusCode.NotFound);
        using (var get = await registry.GetAsync(path))
            get.StatusCode.ShouldBe(HttpStatusCode.NotFound);

        await registry.PushBlobAsync("damaged", content);
        using var healed = await registry.GetAsync(path);
        (await healed.Content.ReadAsByteArrayAsync()).ShouldBe(content);
    }
}
