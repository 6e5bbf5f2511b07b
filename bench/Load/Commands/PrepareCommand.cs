using System.Text;
using Holdfast.Load.Data;
using Holdfast.Load.Http;
using Holdfast.Load.Run;

namespace Holdfast.Load.Commands;

/// <summary>Fills a registry with many tags or many repositories. Each holds an empty index, the smallest legal manifest.</summary>
internal static class PrepareCommand
{
    // More fit into Holdfast's and nginx's 8 KiB request line, but servers may limit the number; the answer tells.
    private const int TagsAtOnce = 100;
    private const string MediaType = "application/vnd.oci.image.index.v1+json";

    private static readonly byte[] Index = Encoding.ASCII.GetBytes($$"""{"schemaVersion":2,"mediaType":"{{MediaType}}","manifests":[]}""");

    public static int Execute(Arguments arguments)
    {
        var target = RunOptions.TargetFrom(arguments);
        var tags = arguments.Count("tags", 0);
        var repositories = arguments.Count("repositories", 0);
        var repository = arguments.Text("repository") ?? "bench/tags";
        var prefix = arguments.Text("prefix") ?? PreparedNames.RepositoryPrefix;
        var connections = Math.Max(1, arguments.Count("connections", 32));
        arguments.RefuseUnread();
        if (tags == 0 && repositories == 0)
            throw new UsageException("prepare needs --tags N or --repositories N");

        if (tags > 0)
            PutTags(target, repository, tags, connections);
        if (repositories > 0)
            InParallel(target, connections, repositories, (connection, i) => PutIndex(connection, target, PreparedNames.Entry(prefix, i), "latest", ""));
        return 0;
    }

    private static void PutTags(Target target, string repository, int tags, int connections)
    {
        using var first = new Connection(target);
        var atOnce = TagsPerRequest(first, target, repository, Math.Min(tags, TagsAtOnce));
        InParallel(target, connections, (tags + atOnce - 1) / atOnce, (connection, i) =>
            PutTagRun(connection, target, repository, i * atOnce, Math.Min(atOnce, tags - (i * atOnce))));
    }

    /// <summary>A server that doesn't know <c>?tag=</c> ignores it and names no tags in its answer.</summary>
    private static int TagsPerRequest(Connection connection, Target target, string repository, int tags)
    {
        foreach (var attempt in new[] { tags, Math.Min(tags, 10) })
        {
            try
            {
                if (PutTagRun(connection, target, repository, 0, attempt) >= attempt)
                    return attempt;
            }
            catch (RequestFailedException)
            {
                continue; // refused as too many: fewer, then
            }
        }

        return 1;
    }

    private static int PutTagRun(Connection connection, Target target, string repository, int first, int count)
    {
        var query = string.Join('&', Enumerable.Range(first, count).Skip(1).Select(i => "tag=" + PreparedNames.Entry(PreparedNames.TagPrefix, i)));
        var name = PreparedNames.Entry(PreparedNames.TagPrefix, first);
        if (count == 1)
            return PutIndex(connection, target, repository, name, "");

        // With `?tag=` the reference in the path is the digest (dist-spec dev, several tags per PUT).
        return PutIndex(connection, target, repository, BlobSource.Of(Index).Digest, $"?tag={name}&{query}");
    }

    private static int PutIndex(Connection connection, Target target, string repository, string reference, string query)
    {
        var head = target.Head("PUT", $"/v2/{repository}/manifests/{reference}{query}", $"Content-Type: {MediaType}\r\nContent-Length: {Index.Length}\r\n");
        var response = connection.Exchange(head, Payload.Of(Index));
        ImagePush.Expect(response, 201);
        return response.TagsSet;
    }

    private static void InParallel(Target target, int connections, int items, Action<Connection, int> action)
    {
        var next = -1;
        RequestFailedException? failure = null;
        var threads = Enumerable.Range(0, connections).Select(_ => new Thread(() =>
        {
            using var connection = new Connection(target);
            try
            {
                for (int i; failure is null && (i = Interlocked.Increment(ref next)) < items;)
                    action(connection, i);
            }
            catch (RequestFailedException problem)
            {
                failure = problem;
            }
        })).ToList();
        threads.ForEach(thread => thread.Start());
        threads.ForEach(thread => thread.Join());
        if (failure is not null)
            throw failure;
    }
}
