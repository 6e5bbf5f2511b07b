using Holdfast.Storage.Acceptance;
using Shouldly;
using Xunit;

namespace Holdfast.Storage.Tests.Acceptance;

public sealed class FileStagingTests : IDisposable
{
    // Another file system than the temporary folder's, on every Linux.
    private const string Elsewhere = "/dev/shm";

    private readonly TemporaryFolder _folder = new();
    private readonly string _elsewhere = Directory.Exists(Elsewhere) ? Path.Combine(Elsewhere, $"holdfast-test-{Guid.NewGuid():N}") : "";

    public void Dispose()
    {
        _folder.Dispose();
        File.Delete(_elsewhere);
    }

    [Fact]
    public void Bring_Hard_IsTheSameFile()
    {
        var upload = Guid.NewGuid();
        Bring(Write("source"), LinkKind.Hard, upload).ShouldBe(LinkKind.Hard);
        File.AppendAllText(Path.Combine(_folder.Path, "source"), " and more");
        File.ReadAllText(PathOf(upload)).ShouldBe("bytes and more");
    }

    [Fact]
    public void Bring_AFileReplacedSinceItWasOpened_IsTheOneThatWasOpened()
    {
        var (source, upload) = (Write("source"), Guid.NewGuid());
        using var open = File.OpenHandle(source);
        File.Move(source, source + ".old");
        File.CreateSymbolicLink(source, "/etc/passwd");
        new FileStaging(_folder.Path, LinkKind.Hard).Bring(open, source, upload).ShouldBe(LinkKind.Hard);
        File.ReadAllText(PathOf(upload)).ShouldBe("bytes");
    }

    [Fact]
    public void Bring_AFileDeletedSinceItWasOpened_ThrowsAndLeavesNothing()
    {
        var (source, upload) = (Write("source"), Guid.NewGuid());
        using var open = File.OpenHandle(source);
        File.Delete(source);
        Should.Throw<IOException>(() => new FileStaging(_folder.Path, LinkKind.Hard).Bring(open, source, upload));
        File.Exists(PathOf(upload)).ShouldBeFalse();
    }

    [Fact]
    public void Bring_AcrossFileSystems_IsRefusedInWordsOrCopied()
    {
        Assert.SkipWhen(_elsewhere.Length == 0, $"{Elsewhere} is not there");
        File.WriteAllText(_elsewhere, "far");
        var upload = Guid.NewGuid();
        Should.Throw<LinkRefusedException>(() => Bring(_elsewhere, LinkKind.Hard, upload)).Message.ShouldContain("another file system");
        Should.Throw<LinkRefusedException>(() => Bring(_elsewhere, LinkKind.Reflink, upload)).Message.ShouldContain("--link auto");
        var staging = new FileStaging(_folder.Path, LinkKind.Auto);
        using var open = File.OpenHandle(_elsewhere);
        staging.Bring(open, _elsewhere, upload).ShouldBe(LinkKind.Copy);
        staging.WhyCopied.ShouldNotBeNull().ShouldContain("another file system");
        File.Exists(PathOf(upload)).ShouldBeFalse();
    }

    [Fact]
    public void Bring_Auto_NeedsNoCopyOnOneFileSystem()
    {
        var upload = Guid.NewGuid();
        Bring(Write("source"), LinkKind.Auto, upload).ShouldBeOneOf(LinkKind.Hard, LinkKind.Reflink);
        File.ReadAllText(PathOf(upload)).ShouldBe("bytes");
    }

    [Fact]
    public void Bring_Copy_DoesNothing()
    {
        var upload = Guid.NewGuid();
        Bring(Write("source"), LinkKind.Copy, upload).ShouldBe(LinkKind.Copy);
        File.Exists(PathOf(upload)).ShouldBeFalse();
    }

    private string Write(string name)
    {
        var path = Path.Combine(_folder.Path, name);
        File.WriteAllText(path, "bytes");
        return path;
    }

    private LinkKind Bring(string source, LinkKind kind, Guid upload)
    {
        using var open = File.OpenHandle(source);
        return new FileStaging(_folder.Path, kind).Bring(open, source, upload);
    }

    private string PathOf(Guid upload) => Path.Combine(_folder.Path, upload.ToString("D"));
}
