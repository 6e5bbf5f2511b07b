using EndToEnd.Processes;

namespace EndToEnd.Images;

/// <summary>
/// Files from Debian packages, by the machine's own package sources. What was fetched or built is kept in the folder that
/// E2E_CACHE names, if it is set, for the next run.
/// </summary>
internal sealed class DebianFiles(Lab lab)
{
    private const string Sources = "/etc/apt/sources.list.d/debian.sources";
    private readonly string _cache = Environment.GetEnvironmentVariable("E2E_CACHE") ?? lab.NewFolder("debian");

    public Task<string> BusyboxHereAsync(CancellationToken token)
    {
        var program = Require.Find("busybox");
        Require.True(program is not null, "the package busybox-static is not installed");
        return Task.FromResult(program!);
    }

    /// <summary>Busybox for arm64, unpacked from its package; apt works on lists of its own, since the machine's have one architecture.</summary>
    public async Task<string> BusyboxForArmAsync(CancellationToken token)
    {
        var root = Path.Combine(_cache, "arm64");
        var program = Path.Combine(root, "bin", "busybox");
        if (File.Exists(program))
        {
            return program;
        }

        Require.True(File.Exists(Sources), $"{Sources} is not there, so the arm64 busybox can't be had");
        var state = lab.NewFolder("apt");
        Directory.CreateDirectory(Path.Combine(state, "lists", "partial"));
        Directory.CreateDirectory(Path.Combine(state, "cache", "archives", "partial"));
        string[] options =
        [
            "-qq", "-o", "APT::Architecture=arm64", "-o", "APT::Architectures=arm64", "-o", "APT::Sandbox::User=root",
            "-o", $"Dir::State::lists={state}/lists", "-o", $"Dir::Cache={state}/cache", "-o", "Dir::State::status=/dev/null",
            "-o", "Dir::Etc::SourceParts=/dev/null", "-o", $"Dir::Etc::sourcelist={Sources}",
        ];
        await new ToolCall("apt-get", [.. options, "update"]).OutputAsync(token);
        await new ToolCall("apt-get", [.. options, "download", "busybox-static"]) { Directory = state }.OutputAsync(token);
        var package = Directory.GetFiles(state, "busybox-static_*.deb").Single();
        await new ToolCall("dpkg-deb", "-x", package, root).OutputAsync(token);
        return program;
    }

    /// <summary>A tar file of Debian's minbase root.</summary>
    public async Task<string> MinbaseAsync(CancellationToken token)
    {
        Require.Programs("mmdebstrap");
        Require.Root();
        var tar = Path.Combine(_cache, "minbase.tar");
        if (!File.Exists(tar))
        {
            var fresh = Path.Combine(lab.NewFolder("minbase"), "root.tar");
            var suite = await new ToolCall("/bin/sh", "-c", ". /etc/os-release && echo $VERSION_CODENAME").OutputAsync(token);
            await new ToolCall("mmdebstrap", "--quiet", "--variant=minbase", "--mode=root", suite, fresh, Sources).OutputAsync(token);
            File.Move(fresh, tar);
        }

        return tar;
    }
}
