using Holdfast.Bench.Data;
using Holdfast.Bench.Http;

namespace Holdfast.Bench.Loops;

/// <summary>Pushes an image as clients do: its blobs in turn, then the manifest under a tag.</summary>
internal sealed class ImagePush(Target target, Upload upload)
{
    /// <summary>Skips blobs that are there already; a measured push never does, as its blobs are new.</summary>
    public bool AsksFirst { get; init; }

    /// <exception cref="RequestFailedException">A step wasn't answered as the specification says.</exception>
    public void Push(Connection connection, string repository, Image image, string reference)
    {
        foreach (var blob in image.Blobs)
            PushBlob(connection, repository, blob);
        PutManifest(connection, repository, image.Manifest, reference);
    }

    public void PushBlob(Connection connection, string repository, Blob blob)
    {
        if (AsksFirst && connection.Exchange(Head("HEAD", repository, $"/v2/{repository}/blobs/{blob.Digest}", ""), bodiless: true).Status == 200)
            return;
        var lengthHeaders = $"Content-Type: application/octet-stream\r\nContent-Length: {blob.Length}\r\n";
        connection.Say(Head("POST", repository, $"/v2/{repository}/blobs/uploads/", "Content-Length: 0\r\n"), 202);
        if (upload == Upload.Patch)
        {
            connection.Say(Head("PATCH", repository, Location(connection), lengthHeaders), 202, blob.Payload);
            connection.Say(Head("PUT", repository, WithDigest(Location(connection), blob), "Content-Length: 0\r\n"), 201);
        }
        else
        {
            connection.Say(Head("PUT", repository, WithDigest(Location(connection), blob), lengthHeaders), 201, blob.Payload);
        }
    }

    /// <returns>How many tags the server says it set.</returns>
    public int PutManifest(Connection connection, string repository, Blob manifest, string reference, string mediaType = Image.MediaType, string query = "")
    {
        var head = Head("PUT", repository, $"/v2/{repository}/manifests/{reference}{query}", $"Content-Type: {mediaType}\r\nContent-Length: {manifest.Length}\r\n");
        connection.Say(head, 201, manifest.Payload);
        return connection.Last.TagsSet;
    }

    private byte[] Head(string method, string repository, string path, string headers) => target.Head(method, Deed.Push, repository, path, headers);

    private static string Location(Connection connection)
    {
        var location = connection.Last.Location ?? throw new RequestFailedException("upload without a location");
        return location.StartsWith('/') ? location
            : Uri.TryCreate(location, UriKind.Absolute, out var uri) ? uri.PathAndQuery
            : throw new RequestFailedException("upload with a bad location");
    }

    private static string WithDigest(string location, Blob blob) =>
        $"{location}{(location.Contains('?', StringComparison.Ordinal) ? '&' : '?')}digest={blob.Digest}";
}
