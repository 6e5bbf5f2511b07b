using Holdfast.Load.Data;
using Holdfast.Load.Http;

namespace Holdfast.Load.Run;

/// <summary>Pushes an image as clients do: its blobs in turn, then the manifest under a tag.</summary>
internal sealed class ImagePush(Target target, string repository, Upload upload)
{
    /// <summary>The tag that reading workloads read.</summary>
    public const string ReadTag = "read";

    private readonly byte[] _start = target.Head("POST", $"/v2/{repository}/blobs/uploads/", "Content-Length: 0\r\n");

    /// <summary>Skips blobs that are there already; a measured push never does, as its blobs are new.</summary>
    public bool AsksFirst { get; init; }

    /// <exception cref="RequestFailedException">A step wasn't answered as the specification says.</exception>
    public void Push(Connection connection, Image image, string tag)
    {
        foreach (var blob in image.Blobs)
        {
            if (!AsksFirst || connection.Exchange(target.Head("HEAD", $"/v2/{repository}/blobs/{blob.Digest}"), bodiless: true).Status != 200)
                PushBlob(connection, blob);
        }

        var manifest = image.Manifest.Payload;
        var head = target.Head("PUT", $"/v2/{repository}/manifests/{tag}", $"Content-Type: {Image.MediaType}\r\nContent-Length: {manifest.Length}\r\n");
        Expect(connection.Exchange(head, manifest), 201);
    }

    public static void Expect(ResponseReader response, int status)
    {
        if (response.Status != status)
            throw new RequestFailedException($"status {response.Status}");
    }

    private void PushBlob(Connection connection, Blob blob)
    {
        var lengthHeaders = $"Content-Type: application/octet-stream\r\nContent-Length: {blob.Length}\r\n";
        var location = Location(connection.Exchange(_start));
        if (upload == Upload.Patch)
        {
            location = Location(connection.Exchange(target.Head("PATCH", location, lengthHeaders), blob.Payload));
            Expect(connection.Exchange(target.Head("PUT", WithDigest(location, blob), "Content-Length: 0\r\n")), 201);
        }
        else
        {
            Expect(connection.Exchange(target.Head("PUT", WithDigest(location, blob), lengthHeaders), blob.Payload), 201);
        }
    }

    private static string Location(ResponseReader response)
    {
        Expect(response, 202);
        var location = response.Location ?? throw new RequestFailedException("upload without a location");
        return location.StartsWith('/') ? location
            : Uri.TryCreate(location, UriKind.Absolute, out var uri) ? uri.PathAndQuery
            : throw new RequestFailedException("upload with a bad location");
    }

    private static string WithDigest(string location, Blob blob) =>
        $"{location}{(location.Contains('?', StringComparison.Ordinal) ? '&' : '?')}digest={blob.Digest}";
}
