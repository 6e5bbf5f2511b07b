using System.CommandLine;
using System.Globalization;
using System.Security.Cryptography;
using Holdfast.Bench;
using Holdfast.Bench.Data;
using Holdfast.Bench.Loops;
using Holdfast.Bench.Measure;
using Holdfast.Client;
using Holdfast.Configuration;

namespace Holdfast.Commands;

/// <summary>The options of bench, and what is wrong with them.</summary>
internal sealed class BenchOptions
{
    private const long MaxSizeBytes = 100L << 30;
    private const long MaxHeldBytes = 1L << 30;
    private const int MaxRequests = 100_000_000;
    private const int MaxUsedUp = 1_000_000;
    private const double MaxRate = 1e7;

    // Assemblies, the preparation's connections, and what the runtime needs.
    private const int OtherFiles = 200;

    // JSON readers keep whole numbers exact up to here.
    private const ulong MaxSeed = 1UL << 53;

    private readonly Argument<string[]> urls = new("url") { Description = "[NAME=]HOST:PORT or [NAME=]URL of a registry; the name is for the table.", Arity = ArgumentArity.ZeroOrMore };
    private readonly Option<string[]> workloads = new("--workload") { Description = "What to do, one or several with commas; all: every one that needs no further option. Default: push,pull,manifest-by-tag.", HelpName = "names" };
    private readonly Option<string[]> sizes = new("--size") { Description = "Of a layer; with commas each workload that moves layers is run with each. Default: 1MB.", HelpName = "sizes" };
    private readonly Option<int> connections = Number("--connections", "At once, 1 to 500.", 16);
    private readonly Option<string?> duration = new("--duration") { Description = "Of one measurement. Default: 10s.", HelpName = "duration" };
    private readonly Option<int?> requests = new("--requests") { Description = "Measure so many requests instead of a duration. delete and cold-cache always count: default 200.", HelpName = "number" };
    private readonly Option<string?> warmup = new("--warmup") { Description = "Before it, not counted. Default: 1s; none where requests are counted.", HelpName = "duration" };
    private readonly Option<string?> rate = new("--rate") { Description = "Open loop: so many requests a second on a fixed timetable; latency counts from when a request was due, so that a stall is charged to all behind it.", HelpName = "number" };
    private readonly Option<int?> rounds = new("--rounds") { Description = "Measure everything so often, the servers in turn; medians are shown with the least and the most. Default: 3 with several servers, else 1.", HelpName = "number" };
    private readonly Option<int> repositories = Number("--repositories", "Spread over so many.", 1);
    private readonly Option<int> images = Number("--images", "To read from, in each repository.", 1);
    private readonly Option<int> layers = Number("--layers", "Of an image.", 1);
    private readonly Option<int> entries = Number("--entries", "Of the lists: tags and catalog read pages of 100, referrers what the registry sends at once.", 100);
    private readonly Option<string?> part = new("--part") { Description = "Bytes that range asks for. Default: 64KiB.", HelpName = "size" };
    private readonly Option<string> upload = new("--upload") { Description = "patch: as docker and podman push (POST, PATCH, PUT); put: as containerd does (POST, PUT).", HelpName = "patch|put", DefaultValueFactory = static _ => "patch" };
    private readonly Option<string?> path = new("--path") { Description = "What get asks for: /file.", HelpName = "path" };
    private readonly Option<bool> verify = new("--verify") { Description = "Hash what is pulled; costs the generator about 0.6 s of CPU a GiB." };
    private readonly Option<int?> threads = new("--threads") { Description = "Of the reading workloads over plain HTTP. Default: one a core.", HelpName = "number" };
    private readonly Option<string?> timeout = new("--timeout") { Description = "A request without a byte for so long has failed. Default: 2m.", HelpName = "duration" };
    private readonly Option<string?> seed = new("--seed") { Description = "Of the random data; printed. Default: another one each time, so that nothing is there already.", HelpName = "number" };
    private readonly Option<string[]> pids = new("--pid") { Description = "A server's process on this machine, its children included: PID, or NAME=PID with several servers. May be repeated.", HelpName = "pid" };
    private readonly Option<string?> upstream = new("--upstream") { Description = "Of cold-cache: where images are pushed that are then pulled through the caches.", HelpName = "url" };
    private readonly Option<bool> clean = new("--clean") { Description = "Delete the manifests that were made, where the registry allows that." };
    private readonly RemoteOptions remote = new(askingOnly: true);

    public void AddTo(Command command)
    {
        command.Add(urls);
        foreach (var option in (ReadOnlySpan<Option>)[workloads, sizes, connections, duration, requests, warmup, rate, rounds, repositories, images, layers, entries, part, upload, path, verify, threads, timeout, seed, pids, upstream, clean])
            command.Add(option);
        remote.AddTo(command);
    }

    /// <exception cref="RemoteFault">Something can't be done, or doesn't fit together.</exception>
    public BenchPlan ReadPlan(ParseResult parsed)
    {
        var several = parsed.GetValue(urls) is { Length: > 1 };
        var plan = new BenchPlan
        {
            Workloads = ReadWorkloads(parsed),
            Sizes = [.. Split(parsed.GetValue(sizes), "1MB").Select(static text => ReadSize("--size", text, MaxSizeBytes)).Distinct()],
            Connections = Within(parsed, connections, 1, BenchPlan.MaxConnections),
            Threads = parsed.GetValue(threads) is { } count ? Within("--threads", count, 1, 256) : Environment.ProcessorCount,
            Duration = ReadDuration("--duration", parsed.GetValue(duration), TimeSpan.FromSeconds(10), TimeSpan.FromMilliseconds(100), TimeSpan.FromDays(1)),
            Requests = parsed.GetValue(requests) is { } number ? Within("--requests", number, 1, MaxRequests) : null,
            Warmup = ReadDuration("--warmup", parsed.GetValue(warmup), TimeSpan.FromSeconds(1), TimeSpan.Zero, TimeSpan.FromHours(1)),
            Rate = ReadRate(parsed.GetValue(rate)),
            Layers = Within(parsed, layers, 1, 100),
            Images = Within(parsed, images, 1, 10_000),
            Repositories = Within(parsed, repositories, 1, 10_000),
            Entries = Within(parsed, entries, 1, 1_000_000),
            PartBytes = ReadSize("--part", parsed.GetValue(part) ?? "64KiB", MaxSizeBytes),
            Upload = parsed.GetValue(upload) switch { "patch" => Upload.Patch, "put" => Upload.Put, var other => throw new RemoteFault($"--upload '{other}': patch or put") },
            Path = parsed.GetValue(path),
            Verify = parsed.GetValue(verify),
            Seed = ReadSeed(parsed.GetValue(seed)),
            Rounds = parsed.GetValue(rounds) is { } times ? Within("--rounds", times, 1, 100) : several ? 3 : 1,
            Timeout = ReadTimeout(parsed),
            Clean = parsed.GetValue(clean),
        };
        Check(parsed, plan);
        return plan;
    }

    public bool NamesServers(ParseResult parsed) => parsed.GetValue(urls) is { Length: > 0 };

    /// <exception cref="RemoteFault">A name, an address or a process is wrong.</exception>
    public IReadOnlyList<BenchTarget> ReadServers(ParseResult parsed, BenchPlan plan)
    {
        var isRegistry = plan.Workloads[0] != Workload.Get;
        var named = parsed.GetValue(urls)!.Select(text => ReadServer(text, isRegistry)).ToList();
        var twice = named.CountBy(static one => one.Name, StringComparer.Ordinal).FirstOrDefault(static one => one.Value > 1);
        if (twice.Key is not null)
            throw new RemoteFault($"two servers are called '{twice.Key}'; give each a name of its own: old={named[0].Target.Text} new=…");
        foreach (var pid in (parsed.GetValue(pids) ?? []).Select(text => ReadPid(text, named)))
        {
            var index = named.FindIndex(one => one.Name == pid.Name);
            named[index] = named[index] with { Processes = [.. named[index].Processes, pid.Process] };
        }
        return named;
    }

    public BenchTarget? ReadUpstream(ParseResult parsed, BenchPlan plan) =>
        plan.Workloads.Contains(Workload.ColdCache) ? ReadServer(parsed.GetValue(upstream)!, isRegistry: true) with { Name = "the upstream" } : null;

    public async Task<RemoteAccess> ReadAccessAsync(ParseResult parsed, CancellationToken token)
    {
        var access = await remote.ReadAsync(parsed, token);
        if (ReadTimeout(parsed) is var most && most < access.StallTimeout)
            access.StallTimeout = most;
        if (access.Given is not null && parsed.GetValue(urls)!.Length + (parsed.GetValue(upstream) is null ? 0 : 1) > 1)
            throw new RemoteFault("--user is for one registry, and these are several: each would get the password; log in with docker, podman or skopeo, whose files are read (REGISTRY_AUTH_FILE names one)");
        return access;
    }

    private void Check(ParseResult parsed, BenchPlan plan)
    {
        if (!NamesServers(parsed))
            throw new RemoteFault("no registry is named: holdfast bench 127.0.0.1:5000");
        if (parsed.GetValue(urls)!.FirstOrDefault(static text => text.StartsWith('-')) is { } slip)
            throw new RemoteFault($"there is no option '{slip}'{Near(slip, parsed)}; holdfast bench --help tells them");
        if (plan.Requests is not null && (parsed.GetValue(duration) is not null || (parsed.GetValue(warmup) is not null && plan.Warmup > TimeSpan.Zero)))
            throw new RemoteFault("a measurement ends after --requests, all of which count, or after --duration, with its --warmup: give the one or the other");
        if (plan.Rate is { } few && plan.Requests is null && few * plan.Duration.TotalSeconds < 1)
            throw new RemoteFault(string.Create(CultureInfo.InvariantCulture, $"--rate {few}: not one request is due within --duration {Quantity.Format(plan.Duration)}; give a longer one"));
        var gets = plan.Workloads.Contains(Workload.Get);
        if (gets && plan.Workloads.Count > 1)
            throw new RemoteFault("get asks any HTTP server, the other workloads registries: give it alone");
        if (gets != (plan.Path is not null) || plan.Path?.StartsWith('/') == false || plan.Path?.AsSpan().ContainsAnyExceptInRange('!', '~') == true)
            throw new RemoteFault(gets ? "--workload get needs --path /…, in printable ASCII without spaces" : "--path goes with --workload get");
        var cold = plan.Workloads.Contains(Workload.ColdCache);
        if (cold != (parsed.GetValue(upstream) is not null))
            throw new RemoteFault(cold ? "cold-cache needs --upstream URL: the registry that the caches are filled from" : "--upstream goes with --workload cold-cache");
        if (plan.Workloads.Contains(Workload.Range) && plan.Sizes.Any(size => size < plan.PartBytes))
            throw new RemoteFault($"range asks for --part {plan.PartBytes} bytes of a layer that is smaller; give a larger --size or a smaller --part");
        if (plan.Workloads.Any(Workloads.IsUsedUp) && plan.Requests > MaxUsedUp)
            throw new RemoteFault($"--requests {plan.Requests}: delete and cold-cache prepare something for each; {MaxUsedUp} at most");
        if (MaxOpenFiles() is { } files && files < plan.Connections + OtherFiles)
            throw new RemoteFault($"--connections {plan.Connections}: each is an open file, and this process may have {files}; allow more with ulimit -n {plan.Connections + OtherFiles}");
        // What is prepared is made in memory first; of large layers only their ends.
        var held = plan.Sizes.Max(static size => Math.Min(size, 64 << 10)) * plan.Layers * (double)Math.Max(plan.Images * (long)plan.Repositories, cold ? plan.Requests ?? 0 : 0);
        if (held > MaxHeldBytes)
            throw new RemoteFault("so many images would be held in memory while they are made; choose fewer --images, --repositories, --layers or --requests");
    }

    private List<Workload> ReadWorkloads(ParseResult parsed)
    {
        var names = Split(parsed.GetValue(workloads), "push,pull,manifest-by-tag").ToList();
        if (names is ["all"])
            return [.. Workloads.All.Select(static one => one.Workload).Where(static one => one is not (Workload.Get or Workload.ColdCache))];
        if (names.Contains("all", StringComparer.Ordinal))
            throw new RemoteFault("--workload: all stands alone, and means all of them but get and cold-cache");
        return [.. names.Select(ReadWorkload).Distinct()];
    }

    private static Workload ReadWorkload(string name)
    {
        foreach (var (known, workload) in Workloads.All)
        {
            if (known == name)
                return workload;
        }
        var all = Workloads.All.Select(static one => one.Name).ToList();
        throw new RemoteFault(NearestName.Find(name, all) is { } near ? $"--workload: there is no '{name}'; did you mean {near}?" : $"--workload: there is no '{name}'; known are {string.Join(", ", all)}");
    }

    private static BenchTarget ReadServer(string text, bool isRegistry)
    {
        var equals = text.IndexOf('=', StringComparison.Ordinal);
        var (name, url) = equals > 0 && text.AsSpan(0, equals).IndexOfAny('/', ':') < 0 ? (text[..equals], text[(equals + 1)..]) : (null, text);
        if (name?.AsSpan().IndexOfAny('|', '\n') >= 0)
            throw new RemoteFault($"'{name}' can't be a server's name: a table's columns end at |");
        if (url.IndexOf("://", StringComparison.Ordinal) is > 0 and var scheme && url[..scheme] is not ("http" or "https"))
            throw new RemoteFault($"'{RegistryTarget.WithoutUser(url)}': registries are asked by http:// or https://");
        if (!RegistryTarget.TryParse(url, out var target, out var problem))
            throw new RemoteFault(url.Contains('@', StringComparison.Ordinal) ? problem : $"'{url}' is no registry's address; write HOST:PORT, or a URL that begins with http:// or https://");
        if (!target.Repository.IsNone)
            throw new RemoteFault($"'{url}' names a repository; bench takes whole registries and makes repositories of its own below bench/");
        return new BenchTarget(name ?? target.Host, target, [], isRegistry);
    }

    private static (string Name, int Process) ReadPid(string text, List<BenchTarget> servers)
    {
        var equals = text.LastIndexOf('=');
        var name = equals < 0 ? servers.Count == 1 ? servers[0].Name : null : text[..equals];
        if (name is null || !servers.Exists(one => one.Name == name))
            throw new RemoteFault($"--pid {text}: say whose it is, NAME=PID; the servers are {string.Join(", ", servers.Select(static one => one.Name))}");
        if (!int.TryParse(text.AsSpan(equals + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var pid) || !Directory.Exists($"/proc/{pid}"))
            throw new RemoteFault($"--pid: there is no process '{text[(equals + 1)..]}' on this machine");
        return ServerProcesses.IsAbove(pid)
            ? throw new RemoteFault($"--pid {text}: this holdfast bench is itself a child of that process, and would count its own CPU time as the server's; name the server's own process")
            : (name, pid);
    }

    private TimeSpan ReadTimeout(ParseResult parsed) =>
        ReadDuration("--timeout", parsed.GetValue(timeout), TimeSpan.FromMinutes(2), TimeSpan.FromMilliseconds(100), TimeSpan.FromHours(1));

    private static string Near(string slip, ParseResult parsed) =>
        NearestName.Find(slip.Split('=')[0], parsed.CommandResult.Command.Options.Select(static option => option.Name)) is { } near ? $"; did you mean {near}?" : "";

    private static ulong ReadSeed(string? text)
    {
        if (text is null)
            return (ulong)RandomNumberGenerator.GetInt32(int.MaxValue);
        return ulong.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number <= MaxSeed
            ? number
            : throw new RemoteFault($"--seed '{text}': a whole number from 0 to {MaxSeed}");
    }

    private static double? ReadRate(string? text) =>
        text is null ? null
        : double.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var rate) && rate is > 0 and <= MaxRate ? rate
        : throw new RemoteFault($"--rate '{text}': a number of requests a second, more than 0 and at most {MaxRate:0}");

    private static long ReadSize(string option, string text, long most)
    {
        if (Quantity.ParseSize(text, out var bytes) is { } fault)
            throw new RemoteFault($"{option}: {fault}");
        return bytes >= BlobSource.MinBytes && bytes <= most ? bytes
            : throw new RemoteFault($"{option} {text}: {BlobSource.MinBytes} bytes (fewer would repeat) to {Quantity.Format(most)} are accepted");
    }

    private static TimeSpan ReadDuration(string option, string? text, TimeSpan otherwise, TimeSpan least, TimeSpan most)
    {
        if (text is null)
            return otherwise;
        if (text is "0" && least == TimeSpan.Zero)
            return TimeSpan.Zero;
        if (Quantity.ParseDuration(text, out var value) is { } fault)
            throw new RemoteFault($"{option}: {fault}");
        return value >= least && value <= most ? value : throw new RemoteFault($"{option} {text}: {Quantity.Format(least)} to {Quantity.Format(most)} are accepted");
    }

    private static IEnumerable<string> Split(string[]? texts, string otherwise) =>
        (texts is { Length: > 0 } ? texts : [otherwise]).SelectMany(static text => text.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)).DefaultIfEmpty("");

    private static Option<int> Number(string name, string description, int otherwise) => new(name) { Description = description, HelpName = "number", DefaultValueFactory = _ => otherwise };

    // The runtime raises the soft limit to the hard one; null: none.
    private static long? MaxOpenFiles()
    {
        var line = File.ReadLines("/proc/self/limits").FirstOrDefault(static line => line.StartsWith("Max open files", StringComparison.Ordinal)) ?? "";
        return line.Split(' ', StringSplitOptions.RemoveEmptyEntries) is [_, _, _, _, var hard, ..] && long.TryParse(hard, NumberStyles.None, CultureInfo.InvariantCulture, out var files) ? files : null;
    }

    private static int Within(ParseResult parsed, Option<int> option, int least, int most) => Within(option.Name, parsed.GetValue(option), least, most);

    private static int Within(string option, int value, int least, int most) =>
        value >= least && value <= most ? value : throw new RemoteFault($"{option} {value}: {least} to {most} are accepted");
}
