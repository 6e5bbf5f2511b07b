using System.Diagnostics;
using System.Text;
using Holdfast.Oci;
using Holdfast.Testing;
using Shouldly;
using Xunit;

namespace Holdfast.Storage.Tests;

public class FolderDonorTests
{
    private static readonly byte[] Content = Encoding.UTF8.GetBytes("what was lost");
    private static readonly Digest Wanted = Digest.Compute(DigestAlgorithm.Sha256, Content);
    private static readonly string Hex = Wanted.Hex.ToString();
    private static readonly string FannedOut = $"blobs/sha256/{Hex[..2]}/{Hex}";

    public static TheoryData<string> Layouts =>
        [FannedOut, $"blobs/sha256/{Hex}", $"docker/registry/v2/{FannedOut}/data", $"{FannedOut}/data"];

    [Theory]
    [MemberData(nameof(Layouts))]
    public async Task TryOpen_InEachLayout_GivesTheBytes(string place)
    {
        using var folder = new TemporaryFolder();
        Write(folder.Path, place);

        await using var stream = new FolderDonor(folder.Path).TryOpen(Wanted);

        stream.ShouldNotBeNull().Length.ShouldBe(Content.Length);
        var read = new byte[Content.Length];
        await stream.ReadExactlyAsync(read);
        read.ShouldBe(Content);
    }

    [Fact]
    public void TryOpen_OfSha512InADataFolder_GivesTheBytes()
    {
        using var folder = new TemporaryFolder();
        var digest = Digest.Compute(DigestAlgorithm.Sha512, Content);
        Write(folder.Path, $"blobs/sha512/{digest.Hex[..2]}/{digest.Hex}");

        using var stream = new FolderDonor(folder.Path).TryOpen(digest);

        stream.ShouldNotBeNull();
    }

    [Fact]
    public void TryOpen_OfFolderReachedByALink_GivesTheBytes()
    {
        using var folder = new TemporaryFolder();
        Write(folder.Path, "real/" + FannedOut);
        Directory.CreateSymbolicLink($"{folder.Path}/link", $"{folder.Path}/real");

        using var stream = new FolderDonor($"{folder.Path}/link").TryOpen(Wanted);

        stream.ShouldNotBeNull();
    }

    [Fact]
    public void TryOpen_WhereNoLayoutHasIt_IsNull()
    {
        using var folder = new TemporaryFolder();

        new FolderDonor(folder.Path).TryOpen(Wanted).ShouldBeNull();
    }

    [Fact]
    [Promise("P6")]
    public void TryOpen_OfFolderThatIsAway_DoesNotSayAbsent() =>
        Should.Throw<IOException>(() => new FolderDonor("/nowhere/at/all").TryOpen(Wanted)).Message.ShouldContain("/nowhere/at/all");

    [Fact]
    public void TryOpen_OfLinkOutOfTheFolder_IsRefused()
    {
        using var folder = new TemporaryFolder();
        Write(folder.Path, "outside");
        Directory.CreateDirectory($"{folder.Path}/donor/blobs/sha256");
        File.CreateSymbolicLink($"{folder.Path}/donor/blobs/sha256/{Hex}", $"{folder.Path}/outside");

        Should.Throw<IOException>(() => new FolderDonor($"{folder.Path}/donor").TryOpen(Wanted)).Message.ShouldContain("leads out");
    }

    [Fact]
    public void TryOpen_OfFolderLinkToANeighbourWithTheSameBeginning_IsRefused()
    {
        using var folder = new TemporaryFolder();
        Write(folder.Path, $"donor-2/{FannedOut}");
        Directory.CreateDirectory($"{folder.Path}/donor");
        Directory.CreateSymbolicLink($"{folder.Path}/donor/blobs", $"{folder.Path}/donor-2/blobs");

        Should.Throw<IOException>(() => new FolderDonor($"{folder.Path}/donor").TryOpen(Wanted)).Message.ShouldContain("leads out");
    }

    [Fact]
    public void TryOpen_OfLinkInsideTheFolder_GivesTheBytes()
    {
        using var folder = new TemporaryFolder();
        Write(folder.Path, "elsewhere");
        Directory.CreateDirectory($"{folder.Path}/blobs/sha256");
        File.CreateSymbolicLink($"{folder.Path}/blobs/sha256/{Hex}", $"{folder.Path}/elsewhere");

        using var stream = new FolderDonor(folder.Path).TryOpen(Wanted);

        stream.ShouldNotBeNull();
    }

    [Fact]
    public void TryOpen_OfPipe_IsRefusedAtOnce()
    {
        using var folder = new TemporaryFolder();
        Directory.CreateDirectory($"{folder.Path}/blobs/sha256");
        using (var make = Process.Start("mkfifo", $"{folder.Path}/blobs/sha256/{Hex}"))
            make.WaitForExit();

        Should.Throw<IOException>(() => new FolderDonor(folder.Path).TryOpen(Wanted)).Message.ShouldContain("is not a file");
    }

    [Fact]
    public void TryOpen_OfFolderWithOneBrokenLayout_TakesTheOther()
    {
        using var folder = new TemporaryFolder();
        Write(folder.Path, $"docker/registry/v2/{FannedOut}/data");
        Directory.CreateDirectory($"{folder.Path}/blobs/sha256");
        File.CreateSymbolicLink($"{folder.Path}/blobs/sha256/{Hex}", "/dev/null");

        using var stream = new FolderDonor(folder.Path).TryOpen(Wanted);

        stream.ShouldNotBeNull();
    }

    private static void Write(string folder, string place)
    {
        var path = Path.Combine(folder, place);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllBytes(path, Content);
    }
}
