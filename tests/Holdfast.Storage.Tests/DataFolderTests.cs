using System.Diagnostics;
using System.Globalization;
using Holdfast.Storage.FileSystem;
using Shouldly;
using Xunit;

namespace Holdfast.Storage.Tests;

public sealed class DataFolderTests : IDisposable
{
    private readonly TemporaryFolder _temporary = new();

    public void Dispose() => _temporary.Dispose();

    [Fact]
    public void Open_Missing_CreatesTheLayoutForTheOwnerAlone()
    {
        var path = Path.Combine(_temporary.Path, "deep", "data");
        using var folder = DataFolder.Open(path);
        foreach (var name in (string[])["uploads", "quarantine", "journal", "blobs/sha256", "blobs/sha512"])
            File.GetUnixFileMode(Path.Combine(path, name)).ShouldBe(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        (File.GetUnixFileMode(path) & (UnixFileMode.OtherRead | UnixFileMode.OtherWrite | UnixFileMode.GroupWrite)).ShouldBe(UnixFileMode.None);
    }

    [Fact]
    public void Open_HeldByAnother_ThrowsNamingFolderAndProcess()
    {
        using var folder = DataFolder.Open(_temporary.Path);
        var refused = Should.Throw<DataFolderInUseException>(() => DataFolder.Open(_temporary.Path));
        refused.Message.ShouldContain(_temporary.Path);
        refused.Message.ShouldContain(Environment.ProcessId.ToString(CultureInfo.InvariantCulture));
    }

    [Fact]
    public void Open_AfterDispose_TakesTheLockAgain()
    {
        DataFolder.Open(_temporary.Path).Dispose();
        using var again = DataFolder.Open(_temporary.Path);
        again.Path.ShouldBe(_temporary.Path);
    }

    [Fact]
    public void Open_OnAFile_Throws()
    {
        var path = Path.Combine(_temporary.Path, "file");
        File.WriteAllText(path, "x");
        Should.Throw<IOException>(() => DataFolder.Open(path));
    }

    [Theory]
    [InlineData("blobs")]
    [InlineData("uploads")]
    public void Open_PartOfItOnAnotherMount_ThrowsSayingWhatToMountWhere(string part)
    {
        DataFolder.Open(_temporary.Path).Dispose();
        var folder = Path.Combine(_temporary.Path, part);
        Assert.SkipUnless(Run("mount", "--bind", folder, folder), "needs root, or the right to mount");
        try
        {
            Should.Throw<IOException>(() => DataFolder.Open(_temporary.Path)).Message.ShouldContain($"mount the disk that is for the blobs at '{_temporary.Path}' itself");
            if (part != "blobs")
                return;
            Run("mount", "-o", "remount,bind,ro", folder).ShouldBeTrue();
            DataFolder.Open(_temporary.Path).Dispose();
        }
        finally
        {
            Run("umount", folder).ShouldBeTrue();
        }
        DataFolder.Open(_temporary.Path).Dispose();
    }

    private static bool Run(string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { UseShellExecute = false, RedirectStandardError = true });
        process!.WaitForExit();
        return process.ExitCode == 0;
    }
}
