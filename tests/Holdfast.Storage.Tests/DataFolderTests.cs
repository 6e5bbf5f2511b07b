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
}
