using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using EndToEnd.Images;

namespace EndToEnd.Servers;

/// <summary>Where a push stands.</summary>
internal enum PushStep
{
    SessionOpened,
    ChunkHalfSent,
    ChunkStored,
    LastChunkHalfSent,
    BlobFinishSent,
    FirstBlobStored,
    AllBlobsStored,
    ManifestHalfSent,
    ManifestSent,
    ManifestAccepted,
}

/// <summary>A push by bare requests over one connection, which stops where it is told, with a request half sent if need be.</summary>
internal sealed class SteppedPush(Endpoint endpoint, Image image, string repository) : IDisposable
{
    private readonly TcpClient _connection = new();

    /// <summary>Goes on until the step is reached; the connection then stays as it is.</summary>
    public async Task RunUntilAsync(PushStep step, CancellationToken token)
    {
        await _connection.ConnectAsync(IPEndPoint.Parse(endpoint.Host), token);
        var manifest = image.Layout.Read(image.Digest);
        // The largest first, so that there is something to cut.
        var blobs = image.LayersOf(image.Digest).Reverse().Append((string)manifest["config"]!["digest"]!).ToList();
        if (await PushFirstAsync(blobs[0], step, token))
        {
            return;
        }

        foreach (var digest in blobs.Skip(1))
        {
            await PushBlobAsync(digest, token);
        }

        if (step == PushStep.AllBlobsStored)
        {
            return;
        }

        var bytes = await File.ReadAllBytesAsync(image.Layout.PathOf(image.Digest), token);
        var head = Head("PUT", $"/v2/{repository}/manifests/{Image.Tag}", bytes.Length, $"Content-Type: {OciLayout.ImageManifest}");
        await SendAsync(head, step == PushStep.ManifestHalfSent ? bytes[..(bytes.Length / 2)] : bytes, token);
        if (step is PushStep.ManifestHalfSent or PushStep.ManifestSent)
        {
            await LetItArriveAsync(step == PushStep.ManifestHalfSent, token);
            return;
        }

        (await ReceiveAsync(token)).Status.ShouldBe(201);
    }

    public void Dispose() => _connection.Dispose();

    /// <returns>Whether the step was within the first blob, so that the push must stop.</returns>
    private async Task<bool> PushFirstAsync(string digest, PushStep step, CancellationToken token)
    {
        var bytes = await File.ReadAllBytesAsync(image.Layout.PathOf(digest), token);
        var half = bytes.Length / 2;
        var location = await OpenAsync(token);
        if (step == PushStep.SessionOpened)
        {
            return true;
        }

        var head = Head("PATCH", location, half, "Content-Type: application/octet-stream");
        await SendAsync(head, step == PushStep.ChunkHalfSent ? bytes[..(half / 2)] : bytes[..half], token);
        if (step == PushStep.ChunkHalfSent)
        {
            await LetItArriveAsync(true, token);
            return true;
        }

        var patched = await ReceiveAsync(token);
        patched.Status.ShouldBe(202);
        if (step == PushStep.ChunkStored)
        {
            return true;
        }

        head = Head("PUT", WithDigest(patched.Location, digest), bytes.Length - half, "Content-Type: application/octet-stream");
        await SendAsync(head, step == PushStep.LastChunkHalfSent ? bytes[half..(half + half / 2)] : bytes[half..], token);
        if (step is PushStep.LastChunkHalfSent or PushStep.BlobFinishSent)
        {
            await LetItArriveAsync(step == PushStep.LastChunkHalfSent, token);
            return true;
        }

        (await ReceiveAsync(token)).Status.ShouldBe(201);
        return step == PushStep.FirstBlobStored;
    }

    private async Task PushBlobAsync(string digest, CancellationToken token)
    {
        var bytes = await File.ReadAllBytesAsync(image.Layout.PathOf(digest), token);
        var location = WithDigest(await OpenAsync(token), digest);
        await SendAsync(Head("PUT", location, bytes.Length, "Content-Type: application/octet-stream"), bytes, token);
        (await ReceiveAsync(token)).Status.ShouldBe(201);
    }

    private async Task<string> OpenAsync(CancellationToken token)
    {
        await SendAsync(Head("POST", $"/v2/{repository}/blobs/uploads/", 0), [], token);
        var answer = await ReceiveAsync(token);
        answer.Status.ShouldBe(202);
        return answer.Location;
    }

    /// <summary>Another request's whole round trip, so that the server has surely been given what was sent before it.</summary>
    private async Task LetItArriveAsync(bool stillOpen, CancellationToken token)
    {
        if (!stillOpen)
        {
            return; // The kill is to race with the answer.
        }

        using var other = new RawRegistry(endpoint);
        (await other.AnswersAsync(token)).ShouldBeTrue();
    }

    private string Head(string method, string path, int length, params IEnumerable<string> headers) =>
        string.Join("\r\n", [$"{method} {path} HTTP/1.1", $"Host: {endpoint.Host}", $"Content-Length: {length}", .. headers, "", ""]);

    private async Task SendAsync(string head, byte[] body, CancellationToken token)
    {
        await _connection.GetStream().WriteAsync(Encoding.ASCII.GetBytes(head), token);
        await _connection.GetStream().WriteAsync(body, token);
    }

    /// <summary>Reads one answer, all of those here being without a body.</summary>
    private async Task<(int Status, string Location)> ReceiveAsync(CancellationToken token)
    {
        var head = new StringBuilder();
        var buffer = new byte[4096];
        while (!head.ToString().EndsWith("\r\n\r\n", StringComparison.Ordinal))
        {
            var count = await _connection.GetStream().ReadAsync(buffer, token);
            count.ShouldNotBe(0, $"the server closed the connection after: {head}");
            head.Append(Encoding.ASCII.GetString(buffer, 0, count));
        }

        var lines = head.ToString().Split("\r\n");
        var location = lines.FirstOrDefault(line => line.StartsWith("Location:", StringComparison.OrdinalIgnoreCase))?["Location:".Length..].Trim() ?? "";
        var path = Uri.TryCreate(location, UriKind.Absolute, out var url) && !url.IsFile ? url.PathAndQuery : location;
        return (int.Parse(lines[0].Split(' ')[1], CultureInfo.InvariantCulture), path);
    }

    private static string WithDigest(string location, string digest) => $"{location}{(location.Contains('?') ? '&' : '?')}digest={digest}";
}
