using EndToEnd.Processes;

namespace EndToEnd.Servers;

/// <summary>File systems of a test's own, which the lab unmounts in the end. They need root, and a kernel that lets it mount.</summary>
internal static class Mounts
{
    /// <summary>A disk in memory, of so many mebibytes.</summary>
    public static async Task<string> TmpfsAsync(Lab lab, int mebibytes, CancellationToken token)
    {
        Require.Root();
        Require.Programs("mount");
        var folder = lab.NewFolder("disk");
        var mounted = await new ToolCall("mount", "-t", "tmpfs", "-o", $"size={mebibytes}m", "tmpfs", folder).RunAsync(token);
        Require.True(mounted.ExitCode == 0, $"a tmpfs can't be mounted here: {mounted.Error}");
        return folder;
    }

    /// <summary>Gives a tmpfs another size.</summary>
    public static Task ResizeAsync(string folder, int mebibytes, CancellationToken token) =>
        new ToolCall("mount", "-o", $"remount,size={mebibytes}m", folder).OutputAsync(token);

    /// <summary>A file system of that kind in a file, through a loop device.</summary>
    /// <param name="kind">As mkfs calls it: btrfs, xfs, ext4.</param>
    public static async Task<string> ImageAsync(Lab lab, string kind, int mebibytes, CancellationToken token)
    {
        Require.Root();
        Require.Programs("mount", $"mkfs.{kind}");
        var folder = lab.NewFolder(kind);
        var image = folder + ".img";
        await using (var file = File.Create(image))
            file.SetLength((long)mebibytes << 20);
        await new ToolCall($"mkfs.{kind}", "-q", image).OutputAsync(token);
        var mounted = await new ToolCall("mount", "-o", "loop", image, folder).RunAsync(token);
        Require.True(mounted.ExitCode == 0, $"a loop device with {kind} can't be mounted here: {mounted.Error}");
        return folder;
    }
}
