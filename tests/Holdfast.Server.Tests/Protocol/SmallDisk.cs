using System.Diagnostics;
using Xunit;

namespace Holdfast.Server.Tests.Protocol;

/// <summary>A registry whose data folder, database included, is a disk of 48 MiB that the test fills. Only root may mount one.</summary>
internal sealed class SmallDisk : IAsyncDisposable
{
    private SmallDisk(RegistryFixture registry) => Registry = registry;

    public RegistryFixture Registry { get; }

    private string Ballast => Path.Combine(Registry.DataPath, "ballast");

    /// <summary>Mounts and starts, or skips the test.</summary>
    public static async Task<SmallDisk> StartAsync(long reserveBytes, TimeProvider? time = null, Func<ServerOptions, ServerOptions>? configure = null)
    {
        var registry = new RegistryFixture { Time = time ?? TimeProvider.System };
        if (!Run("mount", "-t", "tmpfs", "-o", "size=48m", "tmpfs", registry.DataPath))
        {
            Directory.Delete(registry.DataPath);
            Assert.Skip("needs root (or the right to mount a tmpfs)");
        }
        registry.Options = registry.Options with { DiskReserveBytes = reserveBytes, AdminSocket = Path.Combine(registry.DataPath, "admin.sock") };
        registry.Options = configure?.Invoke(registry.Options) ?? registry.Options;
        await registry.StartAsync();
        return new SmallDisk(registry);
    }

    public long FreeBytes => new DriveInfo(Registry.DataPath).AvailableFreeSpace;

    /// <summary>Leaves so many free bytes, in whole pages.</summary>
    public void Fill(long leaveBytes)
    {
        using var file = new FileStream(Ballast, FileMode.Append, FileAccess.Write, FileShare.Read, bufferSize: 0);
        var page = new byte[4096];
        while (FreeBytes >= leaveBytes + page.Length)
            file.Write(page);
    }

    public void MakeRoom() => File.Delete(Ballast);

    public async ValueTask DisposeAsync()
    {
        await Registry.StopAsync();
        Run("umount", "-l", Registry.DataPath);
        Directory.Delete(Registry.DataPath);
    }

    private static bool Run(string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { UseShellExecute = false, RedirectStandardError = true });
        process!.WaitForExit();
        return process.ExitCode == 0;
    }
}
