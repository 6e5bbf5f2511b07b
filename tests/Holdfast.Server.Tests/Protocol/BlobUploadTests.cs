using System.Net;
using Holdfast.Oci;
using Holdfast.Server.Tests.Hosting;
using Holdfast.Testing;
using Shouldly;
using Xunit;

namespace Holdfast.Server.Tests.Protocol;

public sealed class BlobUploadTests(RegistryFixture registry) : IClassFixture<RegistryFixture>
{
    private readonly byte[] _content = Samples.Bytes(Random.Shared.Next(), 3000);

    private Digest Digest => Samples.DigestOf(_content);

    private async Task ShouldBePullableAsync(string repository, Digest digest, byte[] content)
    {
        using var response = await registry.GetAsync($"/v2/{repository}/blobs/{digest}");
        response.StatusCode.ShouldBe(HttpStatusCode.OK);
        (await response.Content.ReadAsByteArrayAsync()).ShouldBe(content);
    }

    private static string Join(string location, string query) => location + (location.Contains('?', StringComparison.Ordinal) ? "&" : "?") + query;

    [Fact, Spec("1.1.1", "end-4b"), Promise("P1")]
    public async Task Post_WithDigestAndBody_StoresTheBlob()
    {
        using var response = await registry.SendAsync(
            HttpMethod.Post, $"/v2/up/blobs/uploads/?digest={Digest}", new ByteArrayContent(_content));
        response.StatusCode.ShouldBe(HttpStatusCode.Created);
        response.Headers.Location!.ToString().ShouldBe($"/v2/up/blobs/{Digest}");
        await ShouldBePullableAsync("up", Digest, _content);
        File.GetUnixFileMode(registry.BlobFile(Digest)).ShouldBe(UnixFileMode.UserRead | UnixFileMode.GroupRead | UnixFileMode.OtherRead);
    }

    [Theory, Spec("1.1.1", "end-4a"), Spec("1.1.1", "end-6")]
    [InlineData(DigestAlgorithm.Sha256)]
    [InlineData(DigestAlgorithm.Sha512)]
    public async Task PostThenPut_StoresTheBlobUnderEitherAlgorithm(DigestAlgorithm algorithm)
    {
        var digest = Samples.DigestOf(_content, algorithm);
        var location = await registry.OpenUploadAsync("up");
        using var response = await registry.SendAsync(HttpMethod.Put, Join(location, $"digest={digest}"), new ByteArrayContent(_content));
        response.StatusCode.ShouldBe(HttpStatusCode.Created);
        response.Headers.GetValues("Docker-Content-Digest").ShouldBe([digest.ToString()]);
        await ShouldBePullableAsync("up", digest, _content);
    }

    [Fact, Spec("dev", "end-4c")]
    public async Task Post_WithDigestAlgorithm_TakesASha512Blob()
    {
        var digest = Samples.DigestOf(_content, DigestAlgorithm.Sha512);
        var location = await registry.OpenUploadAsync("up", "?digest-algorithm=sha512");
        (await registry.PatchAsync(location, _content)).StatusCode.ShouldBe(HttpStatusCode.Accepted);
        using var response = await registry.SendAsync(HttpMethod.Put, Join(location, $"digest={digest}"));
        response.StatusCode.ShouldBe(HttpStatusCode.Created);
        await ShouldBePullableAsync("up", digest, _content);
    }

    [Fact, Spec("dev", "end-4c"), Spec("1.1.1", "code-4")]
    public async Task Post_UnknownDigestAlgorithm_Is400()
    {
        using var response = await registry.SendAsync(HttpMethod.Post, "/v2/up/blobs/uploads/?digest-algorithm=md5");
        response.StatusCode.ShouldBe(HttpStatusCode.BadRequest);
        (await response.ErrorAsync()).Code.ShouldBe("DIGEST_INVALID");
    }

    [Theory, Spec("1.1.1", "end-5"), Spec("1.1.1", "end-6")]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Patch_ChunksInOrder_MakeTheBlob(bool lastInPut)
    {
        var location = await registry.OpenUploadAsync("up");
        using (var first = await registry.PatchAsync(location, _content[..1000], "0-999"))
        {
            first.StatusCode.ShouldBe(HttpStatusCode.Accepted);
            first.Headers.GetValues("Range").ShouldBe(["0-999"]);
            location = first.Headers.Location!.ToString();
        }
        HttpContent? last = null;
        if (lastInPut)
        {
            last = new ByteArrayContent(_content[1000..]);
            last.Headers.TryAddWithoutValidation("Content-Range", "1000-2999");
        }
        else
        {
            using var second = await registry.PatchAsync(location, _content[1000..], "1000-2999");
            second.Headers.GetValues("Range").ShouldBe(["0-2999"]);
        }
        using var response = await registry.SendAsync(HttpMethod.Put, Join(location, $"digest={Digest}"), last);
        response.StatusCode.ShouldBe(HttpStatusCode.Created);
        await ShouldBePullableAsync("up", Digest, _content);
    }

    [Fact, Spec("1.1.1", "end-5")]
    public async Task Patch_StreamWithoutContentRange_Appends()
    {
        var location = await registry.OpenUploadAsync("up");
        using (var streamed = await registry.SendAsync(HttpMethod.Patch, location, new StreamContent(new Unseekable(_content))))
            streamed.StatusCode.ShouldBe(HttpStatusCode.Accepted);
        using var response = await registry.SendAsync(HttpMethod.Put, Join(location, $"digest={Digest}"));
        response.StatusCode.ShouldBe(HttpStatusCode.Created);
        await ShouldBePullableAsync("up", Digest, _content);
    }

    [Theory, Spec("1.1.1", "end-5"), Spec("1.1.1", "end-6"), Spec("1.1.1", "code-2")]
    [InlineData("PATCH", "500-1499")]  // overlaps
    [InlineData("PATCH", "1001-2000")] // skips
    [InlineData("PATCH", "0-999")]     // repeats
    [InlineData("PUT", "1001-2000")]
    public async Task Chunk_OutOfOrder_Is416WithTheRangeAndChangesNothing(string method, string range)
    {
        var location = await registry.OpenUploadAsync("up");
        (await registry.PatchAsync(location, _content[..1000], "0-999")).Dispose();
        var target = method == "PUT" ? Join(location, $"digest={Digest}") : location;
        using (var wrong = await registry.SendAsync(
            new HttpMethod(method), target, new ByteArrayContent(Samples.Bytes(0, 1000)), ("Content-Range", range)))
        {
            wrong.StatusCode.ShouldBe(HttpStatusCode.RequestedRangeNotSatisfiable);
            wrong.Headers.GetValues("Range").ShouldBe(["0-999"]);
            wrong.Headers.Location.ShouldNotBeNull();
            (await wrong.ErrorAsync()).Code.ShouldBe("BLOB_UPLOAD_INVALID");
        }
        (await registry.PatchAsync(location, _content[1000..], "1000-2999")).Dispose();
        using var response = await registry.SendAsync(HttpMethod.Put, Join(location, $"digest={Digest}"));
        response.StatusCode.ShouldBe(HttpStatusCode.Created);
    }

    [Theory, Spec("1.1.1", "code-2"), Spec("1.1.1", "code-10")]
    [InlineData("0-5000", "SIZE_INVALID")]
    [InlineData("0-10", "SIZE_INVALID")]
    [InlineData("bytes 0-10/*", "SIZE_INVALID")]
    [InlineData("0-999999999999999999", "SIZE_INVALID")]
    [InlineData("10-0", "BLOB_UPLOAD_INVALID")]
    [InlineData("x-y", "BLOB_UPLOAD_INVALID")]
    [InlineData("-1-5", "BLOB_UPLOAD_INVALID")]
    [InlineData("0--5", "BLOB_UPLOAD_INVALID")]
    [InlineData("0 - 999", "BLOB_UPLOAD_INVALID")]
    [InlineData("0 999", "BLOB_UPLOAD_INVALID")]
    [InlineData("+0-999", "BLOB_UPLOAD_INVALID")]
    [InlineData("0-9223372036854775808", "BLOB_UPLOAD_INVALID")]
    [InlineData("0-18446744073709551615", "BLOB_UPLOAD_INVALID")]
    [InlineData("0-999,1000-1999", "BLOB_UPLOAD_INVALID")]
    public async Task Patch_ContentRangeThatIsNotTheBodys_Is400AndChangesNothing(string range, string code)
    {
        var location = await registry.OpenUploadAsync("up");
        using (var wrong = await registry.PatchAsync(location, _content[..1000], range))
        {
            wrong.StatusCode.ShouldBe(HttpStatusCode.BadRequest);
            (await wrong.ErrorAsync()).Code.ShouldBe(code);
        }
        using (var streamed = await registry.SendAsync(
            HttpMethod.Patch, location, new StreamContent(new Unseekable(_content[..1000])), ("Content-Range", range)))
        {
            streamed.StatusCode.ShouldBe(HttpStatusCode.BadRequest);
            (await streamed.ErrorAsync()).Code.ShouldBe(code);
        }
        using var response = await registry.SendAsync(HttpMethod.Put, Join(location, $"digest={Digest}"), new ByteArrayContent(_content));
        response.StatusCode.ShouldBe(HttpStatusCode.Created);
    }

    [Fact, Spec("1.1.1", "end-13")]
    public async Task Get_Session_GivesTheRange()
    {
        var location = await registry.OpenUploadAsync("up");
        (await registry.PatchAsync(location, _content[..1234])).Dispose();
        using var response = await registry.GetAsync(location);
        response.StatusCode.ShouldBe(HttpStatusCode.NoContent);
        response.Headers.GetValues("Range").ShouldBe(["0-1233"]);
        response.Headers.Location.ShouldNotBeNull();
    }

    [Fact, Spec("dev", "end-14")]
    public async Task Delete_Session_EndsItAndRemovesItsBytes()
    {
        var location = await registry.OpenUploadAsync("up");
        (await registry.PatchAsync(location, _content)).Dispose();
        var id = location.Split('/')[^1];
        registry.StoredFiles().ShouldContain(f => f.EndsWith(id, StringComparison.Ordinal));

        using (var cancelled = await registry.DeleteAsync(location))
            cancelled.StatusCode.ShouldBe(HttpStatusCode.NoContent);
        registry.StoredFiles().ShouldNotContain(f => f.EndsWith(id, StringComparison.Ordinal));
        using var response = await registry.GetAsync(location);
        response.StatusCode.ShouldBe(HttpStatusCode.NotFound);
        (await response.ErrorAsync()).Code.ShouldBe("BLOB_UPLOAD_UNKNOWN");
    }

    [Fact, Spec("1.1.1", "end-13"), Spec("1.1.1", "end-6")]
    public async Task Session_AfterARestart_GoesOnWhereItWas()
    {
        await using var own = new RegistryFixture();
        await own.InitializeAsync();
        var location = await own.OpenUploadAsync("up");
        (await own.PatchAsync(location, _content[..1000], "0-999")).Dispose();
        await own.RestartAsync();

        using (var status = await own.GetAsync(location))
            status.Headers.GetValues("Range").ShouldBe(["0-999"]);
        (await own.PatchAsync(location, _content[1000..], "1000-2999")).StatusCode.ShouldBe(HttpStatusCode.Accepted);
        using var response = await own.SendAsync(HttpMethod.Put, Join(location, $"digest={Digest}"));
        response.StatusCode.ShouldBe(HttpStatusCode.Created);
        using var pulled = await own.GetAsync($"/v2/up/blobs/{Digest}");
        (await pulled.Content.ReadAsByteArrayAsync()).ShouldBe(_content);
    }

    [Fact, Promise("P10")]
    public async Task Session_OfAFormerProcessThatNobodyAsksFor_Expires()
    {
        var time = new ManualTime();
        await using var own = new RegistryFixture { Time = time };
        await own.InitializeAsync();
        var location = await own.OpenUploadAsync("up");
        (await own.PatchAsync(location, _content[..1000])).Dispose();
        await own.RestartAsync();
        own.StoredFiles().Length.ShouldBe(1);

        time.Advance(own.Options.Uploads.MaxAge + TimeSpan.FromMinutes(1));
        await Eventually.ShouldBeAsync(() => own.StoredFiles().Length, 0);
        using var response = await own.GetAsync(location);
        response.StatusCode.ShouldBe(HttpStatusCode.NotFound);
    }

    [Fact, Spec("1.1.1", "end-6"), Spec("1.1.1", "code-4")]
    public async Task Put_WrongDigest_Is400AndNothingIsStored()
    {
        var before = registry.StoredFiles();
        var location = await registry.OpenUploadAsync("up");
        using (var wrong = await registry.SendAsync(
            HttpMethod.Put, Join(location, $"digest={Samples.DigestOf([1, 2, 3])}"), new ByteArrayContent(_content)))
        {
            wrong.StatusCode.ShouldBe(HttpStatusCode.BadRequest);
            (await wrong.ErrorAsync()).Code.ShouldBe("DIGEST_INVALID");
        }
        using (var single = await registry.SendAsync(
            HttpMethod.Post, $"/v2/up/blobs/uploads/?digest={Samples.DigestOf([1, 2, 3])}", new ByteArrayContent(_content)))
            single.StatusCode.ShouldBe(HttpStatusCode.BadRequest);
        registry.StoredFiles().ShouldBe(before);
        using var response = await registry.HeadAsync($"/v2/up/blobs/{Samples.DigestOf([1, 2, 3])}");
        response.StatusCode.ShouldBe(HttpStatusCode.NotFound);
    }

    [Fact]
    public async Task Session_OfAnotherRepository_Is404()
    {
        var location = await registry.OpenUploadAsync("up");
        using var response = await registry.PatchAsync(location.Replace("/v2/up/", "/v2/other/", StringComparison.Ordinal), _content);
        response.StatusCode.ShouldBe(HttpStatusCode.NotFound);
    }

    [Fact]
    public async Task Patch_TwoClientsAtOnce_OneAppendsAtATime()
    {
        var location = await registry.OpenUploadAsync("up");
        var answers = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => registry.PatchAsync(location, _content[..1000], "0-999")));
        answers.Count(a => a.StatusCode == HttpStatusCode.Accepted).ShouldBe(1);
        answers.Count(a => a.StatusCode == HttpStatusCode.RequestedRangeNotSatisfiable).ShouldBe(7);
        (await registry.PatchAsync(location, _content[1000..], "1000-2999")).Dispose();
        using var response = await registry.SendAsync(HttpMethod.Put, Join(location, $"digest={Digest}"));
        response.StatusCode.ShouldBe(HttpStatusCode.Created);
    }

    [Fact]
    public async Task Put_TwoClientsCloseOneSession_OneBlobComesOfIt()
    {
        var location = await registry.OpenUploadAsync("up");
        (await registry.PatchAsync(location, _content)).Dispose();
        var answers = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => registry.SendAsync(HttpMethod.Put, Join(location, $"digest={Digest}"))));
        answers.Count(a => a.StatusCode == HttpStatusCode.Created).ShouldBe(1);
        answers.Count(a => a.StatusCode == HttpStatusCode.NotFound).ShouldBe(3);
        await ShouldBePullableAsync("up", Digest, _content);
    }

    [Fact]
    public async Task Put_SameBlobBySixteenClientsAtOnce_AllSucceed()
    {
        var content = Samples.Bytes(Random.Shared.Next(), 200_000);
        await Task.WhenAll(Enumerable.Range(0, 16).Select(i => registry.PushBlobAsync($"same/{i % 4}", content)));
        for (var i = 0; i < 4; i++)
            await ShouldBePullableAsync($"same/{i}", Samples.DigestOf(content), content);
    }

    [Fact, Spec("1.1.1", "end-11")]
    public async Task Post_MountFromARepositoryThatHasIt_Is201()
    {
        await registry.PushBlobAsync("source", _content);
        using var response = await registry.SendAsync(HttpMethod.Post, $"/v2/target/blobs/uploads/?mount={Digest}&from=source");
        response.StatusCode.ShouldBe(HttpStatusCode.Created);
        response.Headers.Location!.ToString().ShouldBe($"/v2/target/blobs/{Digest}");
        await ShouldBePullableAsync("target", Digest, _content);
    }

    [Fact, Spec("1.1.1", "end-11")]
    public async Task Post_MountWithoutFrom_FindsItAnywhere()
    {
        await registry.PushBlobAsync("source2", _content);
        using var response = await registry.SendAsync(HttpMethod.Post, $"/v2/target2/blobs/uploads/?mount={Digest}");
        response.StatusCode.ShouldBe(HttpStatusCode.Created);
        await ShouldBePullableAsync("target2", Digest, _content);
    }

    [Theory, Spec("1.1.1", "end-11")]
    [InlineData("nowhere")]
    [InlineData("..%2fetc")]
    public async Task Post_MountThatCannotBe_OpensASession(string from)
    {
        using var response = await registry.SendAsync(HttpMethod.Post, $"/v2/target3/blobs/uploads/?mount={Digest}&from={from}");
        response.StatusCode.ShouldBe(HttpStatusCode.Accepted);
        response.Headers.Location!.ToString().ShouldStartWith("/v2/target3/blobs/uploads/");
    }

    private sealed class Unseekable(byte[] content) : MemoryStream(content)
    {
        public override bool CanSeek => false;
    }
}
