using System.Text;
using Holdfast.Bench.Http;
using Shouldly;
using Xunit;

namespace Holdfast.Bench.Tests;

public class ResponseReaderTests
{
    private const string Sized = "HTTP/1.1 201 Created\r\ncontent-length: 5\r\nLocation: /v2/x\r\nOCI-Tag: a, b\r\nOCI-Tag: c\r\n\r\nhello";
    private const string Chunked = "HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\nLocation: /v2/x\r\nOCI-Tag: a,b,c\r\n\r\n3\r\nhel\r\n2;x=y\r\nlo\r\n0\r\nT: v\r\n\r\n";
    private const string Interim = "HTTP/1.1 100 Continue\r\n\r\n" + Sized;

    [Theory]
    [InlineData(Sized)]
    [InlineData(Chunked)]
    [InlineData(Interim)]
    public void Feed_CutAnywhere_ReadsTheSameResponse(string response)
    {
        var bytes = Encoding.ASCII.GetBytes(response);
        for (var cut = 0; cut <= bytes.Length; cut++)
        {
            using var body = new MemoryStream();
            var reader = new ResponseReader { ReadsHeaders = true, Body = body };
            reader.Begin(bodiless: false);
            var done = reader.Feed(bytes.AsSpan(0, cut));
            done.ShouldBe(cut == bytes.Length);
            if (!done)
                reader.Feed(bytes.AsSpan(cut)).ShouldBeTrue();

            reader.Status.ShouldBe(201);
            reader.Location.ShouldBe("/v2/x");
            reader.TagsSet.ShouldBe(3);
            reader.KeepAlive.ShouldBeTrue();
            Encoding.ASCII.GetString(body.ToArray()).ShouldBe("hello");
        }
    }

    [Theory]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nabc")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 2x\r\n\r\nab")]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\n\r\nabc")]
    [InlineData("SSH-2.0-OpenSSH_9.2\r\n\r\n")]
    public void Feed_NotOneResponse_Fails(string response)
    {
        var reader = new ResponseReader();
        reader.Begin(bodiless: false);

        Should.Throw<RequestFailedException>(() => reader.Feed(Encoding.ASCII.GetBytes(response)));
    }

    [Fact]
    public void Feed_AnswerToHead_EndsWithTheHead()
    {
        var reader = new ResponseReader();
        reader.Begin(bodiless: true);

        reader.Feed("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\nConnection: close\r\n\r\n"u8).ShouldBeTrue();
        reader.KeepAlive.ShouldBeFalse();
    }
}
