using System.CommandLine;
using System.Globalization;
using System.Text;
using Holdfast.Configuration;
using Holdfast.Oci;
using Holdfast.Server.Caching;

namespace Holdfast.Commands;

/// <summary><c>holdfast cache status|warm</c></summary>
internal static class CacheCommand
{
    // What the server takes.
    private const int MaxListChars = 4 << 20;

    public static Command Create() => new(
        "cache",
        """
        The caches of a running server: what they hold, how it is with their upstreams, and bringing images in before anybody pulls them.

          holdfast cache status
          holdfast cache warm docker.io/library/alpine:3.20 ghcr.io/org/app:v1
          holdfast cache warm @images.txt
        """)
    {
        CreateStatus(),
        CreateWarm(),
    };

    private static Command CreateStatus() => AdminCommand.Create(
        "status",
        """
        Says of each cache how much it holds, and how it is with its upstream.
        An upstream's address rests if it gave no answer, and is not asked for a while; what was wrong when the upstream was last asked is told.
        Exit codes: 0 all are as they should be, 1 one rests or something is wrong, 2 the server could not be asked.

          holdfast cache status
          holdfast cache status --json
        """,
        StatusAsync);

    private static Command CreateWarm()
    {
        var images = new Argument<string[]>("IMAGE")
        {
            Description = "Images by their whole names, as in a pod; @FILE: those that a file lists, one in each line, # begins a remark; -: those of standard input.",
            Arity = ArgumentArity.OneOrMore,
        };
        var platforms = new Option<string[]>("--platform") { Description = "os/architecture[/variant]; may be given several times. Default: the cache's prefetch.platforms, or every platform.", HelpName = "platform" };
        var command = AdminCommand.Create(
            "warm",
            """
            Fetches images into the caches, with everything below them for the platforms that are wanted. What is there is not fetched again, so that it can be
            interrupted and run again. An image whose registry has no cache here is told, and the others are fetched.
            Exit codes: 0 all are whole in the cache now, 1 some are not, 2 it could not be done.

              holdfast cache warm docker.io/library/alpine:3.20
              holdfast cache warm @images.txt --platform linux/amd64

            Everything that runs in a cluster:
              kubectl get pods -A -o jsonpath="{.items[*].spec['initContainers','containers'][*].image}" | tr ' ' '\n' | sort -u | holdfast cache warm -
            """,
            (call, token) => WarmAsync(call, call.Parsed.GetValue(images)!, call.Parsed.GetValue(platforms)!, token));
        command.Add(images);
        command.Add(platforms);
        return command;
    }

    private static async Task<int> StatusAsync(AdminCall call, CancellationToken token)
    {
        var list = await call.Connection.GetAsync<CacheList>("/api/v1/caches", token);
        await call.PrintAsync(list, Describe);
        return list.Caches.Any(static cache => cache.Problem is not null || cache.Mirrors.Any(static mirror => mirror.Why is not null)) ? RootCommands.Findings : RootCommands.Fine;
    }

    private static async Task<int> WarmAsync(AdminCall call, string[] named, string[] platforms, CancellationToken token)
    {
        var images = (await ReadAsync(named, token)).Distinct(StringComparer.Ordinal).ToList();
        if (images.Count == 0)
            throw new AdminFault("the list names no image: write one in each line, such as docker.io/library/alpine:3.20");
        var result = await call.RunAsync<WarmResult>(
            HttpMethod.Post, "/api/v1/caches/warm", new { images, platforms = platforms.Length > 0 ? platforms : null }, token);
        await call.PrintAsync(result, Describe);
        return result.Failed.Count > 0 ? RootCommands.Findings : RootCommands.Fine;
    }

    private static async Task<List<string>> ReadAsync(string[] named, CancellationToken token)
    {
        var images = new List<string>();
        foreach (var name in named)
        {
            if (name == "-")
                images.AddRange(ImagesIn(await ReadAsync(Console.In, token)));
            else if (name.StartsWith('@'))
                images.AddRange(ImagesIn(await ReadFileAsync(name[1..], token)));
            else if (!name.Contains(':', StringComparison.Ordinal) && !name.Contains('@', StringComparison.Ordinal) && File.Exists(name))
                throw new AdminFault($"{name} is a file: write @{name} for the images that it lists (or {name}:latest, if an image is called so)");
            else
                images.Add(name);
        }
        return images;
    }

    private static async Task<string> ReadFileAsync(string file, CancellationToken token)
    {
        if (ReadableFile.Fault(file) is { } fault)
            throw new AdminFault($"the list: {fault}");
        using var reader = new StreamReader(file);
        return await ReadAsync(reader, token);
    }

    private static async Task<string> ReadAsync(TextReader reader, CancellationToken token)
    {
        try
        {
            var buffer = new char[MaxListChars + 1];
            var length = await reader.ReadBlockAsync(buffer, token);
            return length <= MaxListChars ? new string(buffer, 0, length) : throw new AdminFault($"the list is longer than {MaxListChars >> 20} Mi characters");
        }
        catch (IOException e)
        {
            throw new AdminFault($"the list can't be read: {e.Message}");
        }
    }

    // No name of an image has a #.
    private static IEnumerable<string> ImagesIn(string list) =>
        list.Split('\n').Select(static line => line.Split('#')[0].Trim()).Where(static line => line.Length > 0);

    private static void Describe(StringBuilder text, CacheList list)
    {
        if (list.Caches.Count == 0)
            text.AppendLine("This server has no caches; a registry becomes one by `kind: cache` and an `upstream`.");
        foreach (var cache in list.Caches)
        {
            var bound = cache.MaxBytes is { } max ? $" of {ProgressDisplay.Bytes(max)}" : "";
            text.AppendLine(CultureInfo.InvariantCulture, $"{cache.Name} ({cache.Namespace}): {ProgressDisplay.Bytes(cache.SizeBytes)}{bound}");
            if (cache.Problem is { } problem)
                text.AppendLine(CultureInfo.InvariantCulture, $"  {problem}");
            foreach (var mirror in cache.Mirrors)
            {
                var limit = mirror.Remaining is { } left ? string.Create(CultureInfo.InvariantCulture, $", {left} of {mirror.Limit} requests left") : "";
                text.AppendLine(CultureInfo.InvariantCulture, $"  {mirror.Host}: {mirror.State}{limit}{(mirror.Why is { } why ? $": {why}" : "")}");
            }
        }
    }

    private static void Describe(StringBuilder text, WarmResult result)
    {
        text.AppendLine(
            CultureInfo.InvariantCulture,
            $"{Counted.Of(result.Images, "image")}: {Counted.Of(result.Objects, "object")} fetched, {ProgressDisplay.Bytes(result.Bytes)}; {result.Images - result.Failed.Count} whole in the cache");
        foreach (var failed in result.Failed)
        {
            text.AppendLine(CultureInfo.InvariantCulture, $"  {failed.Image}: {failed.Problems[0]}{(failed.Problems.Count > 1 ? $" (and {failed.Problems.Count - 1} more)" : "")}");
        }
    }
}
