using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using Holdfast.Oci;

namespace Simulation.Caches;

internal enum Mood
{
    Good,

    /// <summary>Every other answer has something wrong.</summary>
    Erratic,

    /// <summary>No connection.</summary>
    Down,

    /// <summary>Takes requests, and answers none.</summary>
    Silent,

    /// <summary>500.</summary>
    Failing,

    /// <summary>429.</summary>
    Busy,
}

/// <summary>One address of an upstream, as the HTTP client sees it. Every request, and every part of a body, is a step of the schedule.</summary>
/// <param name="isOrigin">Its word counts that something isn't there; of the others some things are absent.</param>
internal sealed class SimulatedHost(World world, SimulatedUpstream upstream, string name, bool isOrigin)
{
    private static readonly HttpStatusCode[] Troubles = [HttpStatusCode.InternalServerError, HttpStatusCode.BadGateway, HttpStatusCode.ServiceUnavailable];

    public string Name => name;

    public Mood Mood { get; set; }

    private Random Random => world.Random;

    public async Task<HttpResponseMessage> AnswerAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        var path = request.RequestUri!.AbsolutePath.Split('/', 5); // "", v2, repository, manifests or blobs, reference
        var (repository, kind, reference) = (path[2][1] - '0', path[3], path[4]);
        var what = world.Trace is null ? "" : $"{request.Method} {name}/{path[2]}/{kind}/{(Digest.TryParse(reference, out var known) ? Content.NameOf(known) : reference)}";
        await world.Schedule.WaitAsync(what, cancellationToken);
        var mishap = Mood == Mood.Erratic ? Random.Next(22) : 99;
        if (Mood == Mood.Down || mishap == 0)
            throw new HttpRequestException("simulated: no connection");
        if (Mood == Mood.Silent || mishap == 1)
            await NeverAsync(cancellationToken);
        if (Mood == Mood.Busy || mishap == 2)
            return Busy(request);
        if (Mood == Mood.Failing || mishap == 3)
            return Empty(request, Troubles[Random.Next(Troubles.Length)]);
        if (upstream.Refuses(repository))
            return Empty(request, isOrigin && Random.Next(2) == 0 ? HttpStatusCode.Unauthorized : HttpStatusCode.Forbidden);
        // A mirror does not have everything, and nobody believes that it has.
        if (!isOrigin && Random.Next(6) == 0)
            return Empty(request, HttpStatusCode.NotFound);
        return Digest.TryParse(reference, out var digest)
            ? AnswerDigest(request, repository, digest, kind == "manifests", mishap)
            : AnswerTag(request, repository, reference[1] - '0', mishap);
    }

    private HttpResponseMessage AnswerTag(HttpRequestMessage request, int repository, int tag, int mishap)
    {
        var node = upstream.Find(repository, tag);
        if (isOrigin || node is not null)
            upstream.NoteSaid(repository, tag, node?.Digest ?? default);
        return node is null ? Empty(request, HttpStatusCode.NotFound) : Manifest(request, node, mishap, states: mishap is not (4 or 5));
    }

    private HttpResponseMessage AnswerDigest(HttpRequestMessage request, int repository, Digest digest, bool isManifest, int mishap)
    {
        if (!upstream.Has(repository, digest) || isManifest != (Content.FindNode(digest) is not null))
        {
            if (isOrigin)
                upstream.NoteAbsent(repository, digest);
            return Empty(request, HttpStatusCode.NotFound);
        }
        world.Caches!.Touch(digest);
        return isManifest ? Manifest(request, Content.FindNode(digest)!, mishap, states: true) : Blob(request, digest, mishap);
    }

    private HttpResponseMessage Manifest(HttpRequestMessage request, Node node, int mishap, bool states)
    {
        // Without a digest nobody could tell wrong bytes from right ones.
        var response = Body(request, node.Payload, states ? mishap : Math.Max(mishap, 12));
        if (states)
            response.Headers.TryAddWithoutValidation("Docker-Content-Digest", node.Digest.ToString());
        response.Content.Headers.ContentType = new MediaTypeHeaderValue(mishap == 6 ? "text/html" : node.Manifest.MediaType);
        return response;
    }

    private HttpResponseMessage Blob(HttpRequestMessage request, Digest digest, int mishap)
    {
        var bytes = Content.BytesOf(digest);
        var from = (int)(request.Headers.Range?.Ranges.Single().From ?? 0);
        HttpResponseMessage response;
        if (from >= bytes.Length && mishap != 6 && bytes.Length > 0)
        {
            response = Empty(request, HttpStatusCode.RequestedRangeNotSatisfiable);
            response.Content.Headers.ContentRange = new ContentRangeHeaderValue(bytes.Length);
        }
        else if (from == 0 || mishap == 6)
        {
            response = Body(request, bytes, mishap);
        }
        else
        {
            var start = mishap == 7 ? from / 2 : from;
            response = Body(request, bytes[start..], mishap);
            response.StatusCode = HttpStatusCode.PartialContent;
            response.Content.Headers.ContentRange = new ContentRangeHeaderValue(start, bytes.Length - 1, bytes.Length);
        }
        if (mishap != 5)
            response.Headers.ETag = new EntityTagHeaderValue($"\"{digest.Hex[..8]}\"");
        return response;
    }

    private HttpResponseMessage Body(HttpRequestMessage request, byte[] bytes, int mishap)
    {
        var stated = (long?)bytes.Length;
        var end = BodyEnd.Whole;
        var sent = bytes;
        switch (mishap)
        {
            case 8:
                stated = null;
                break;
            case 9:
                (sent, end) = (bytes[..Random.Next(bytes.Length + 1)], BodyEnd.Cut);
                break;
            case 10:
                (sent, end) = (bytes[..Random.Next(bytes.Length + 1)], BodyEnd.Stalls);
                break;
            case 11 when bytes.Length > 0:
                sent = [.. bytes];
                sent[Random.Next(sent.Length)] ^= 1;
                stated = Random.Next(2) == 0 ? stated : null;
                break;
            case 12:
                stated += Random.Next(1, 100); // The connection ends before.
                end = BodyEnd.Cut;
                break;
            case 13 when bytes.Length > 0:
                stated = Random.Next(bytes.Length);
                sent = bytes[..(int)stated];
                break;
            case 14:
                // Less than there should be, and no word about it.
                sent = bytes[..Random.Next(bytes.Length + 1)];
                stated = null;
                break;
        }
        var isHead = request.Method == HttpMethod.Head;
        return new HttpResponseMessage(HttpStatusCode.OK) { RequestMessage = request, Content = new SimulatedBody(world, isHead ? [] : sent, stated, isHead ? BodyEnd.Whole : end) };
    }

    private HttpResponseMessage Busy(HttpRequestMessage request)
    {
        var response = Empty(request, HttpStatusCode.TooManyRequests);
        if (Random.Next(3) > 0)
            response.Headers.TryAddWithoutValidation("Retry-After", Random.Next(0, 4000).ToString(CultureInfo.InvariantCulture));
        return response;
    }

    private HttpResponseMessage Empty(HttpRequestMessage request, HttpStatusCode status) =>
        new(status) { RequestMessage = request, Content = new SimulatedBody(world, [], 0, BodyEnd.Whole) };

    /// <summary>Nothing comes, until whoever waits has had enough.</summary>
    public static async Task NeverAsync(CancellationToken cancellationToken)
    {
        var never = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using (cancellationToken.UnsafeRegister(state => never.TrySetCanceled(cancellationToken), null))
            await never.Task;
    }
}

/// <summary>The network between the caches and all upstreams.</summary>
internal sealed class SimulatedNetwork(IReadOnlyList<SimulatedHost> hosts) : HttpMessageHandler
{
    protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken) =>
        hosts.Single(host => host.Name == request.RequestUri!.Host).AnswerAsync(request, cancellationToken);
}
