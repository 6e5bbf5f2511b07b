using Holdfast.Doctor.Repair;

namespace Holdfast.Doctor.Tests.Repair;

/// <summary>With a /proc of the test's own; the end-to-end tests run a real registry.</summary>
public sealed class FolderUseTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly FakeRegistry _registry;

    public FolderUseTests() => _registry = new FakeRegistry(_folder.Path + "/registry");

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("{0}", true)]
    [InlineData("{0}-other", false)]
    public void Find_RegistryByItsConfiguration_IsFoundIfItNamesTheFolder(string root, bool expected)
    {
        var configuration = _folder.Path + "/config.yml";
        File.WriteAllText(configuration, $"version: 0.1\nstorage:\n  # rootdirectory: /nowhere\n  filesystem: {{ rootdirectory: \"{string.Format(null, root, _registry.Data)}\" }}\n");
        PutProcess("docker-registry\0serve\0" + configuration + "\0", "PATH=/bin\0");

        Find().Count.ShouldBe(expected ? 1 : 0);
    }

    [Fact]
    public void Find_RegistryByItsVariable_IsFound()
    {
        PutProcess("/bin/registry\0serve\0/etc/nowhere.yml\0", $"REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY={_registry.Data}\0");

        Find().ShouldHaveSingleItem().IsCertain.ShouldBeTrue();
    }

    [Fact]
    public void Find_RegistryInAContainer_IsFoundBehindItsOwnRoot()
    {
        var root = Directory.CreateDirectory(_folder.Path + "/container").FullName;
        Directory.CreateDirectory(root + "/var/lib");
        File.CreateSymbolicLink(root + "/var/lib/registry", _registry.Data);
        PutProcess("registry\0serve\0/etc/nowhere.yml\0", "A=b\0", root);

        Find().ShouldHaveSingleItem();
    }

    [Fact]
    public void Find_FileHeldOpen_IsFoundWhateverTheProgram()
    {
        var file = _registry.DataFile(_registry.PutData([1]));
        PutProcess("cp\0a\0b\0", "", open: file);

        Find().ShouldHaveSingleItem().How.ShouldEndWith("open");
    }

    [Fact]
    public void Find_RegistryThatCannotBeLookedInto_IsSaidToBeUncertain()
    {
        PutProcess("registry\0serve\0/etc/nowhere.yml\0", null, _folder.Path + "/nowhere");

        Find().ShouldHaveSingleItem().IsCertain.ShouldBeFalse();
    }

    [Fact]
    public void Find_OtherPrograms_AreNoUsers()
    {
        PutProcess($"tar\0c\0{_registry.Data}\0", "");

        Find().ShouldBeEmpty();
    }

    private IReadOnlyList<FolderUser> Find() => new FolderUse(_folder.Path + "/proc").Find(_registry.Open());

    private void PutProcess(string arguments, string? environment, string root = "/", string? open = null)
    {
        var process = Directory.CreateDirectory(_folder.Path + "/proc/4194399").FullName;
        File.WriteAllText(process + "/cmdline", arguments);
        if (environment is not null)
            File.WriteAllText(process + "/environ", environment);
        File.CreateSymbolicLink(process + "/root", root);
        Directory.CreateDirectory(process + "/fd");
        if (open is not null)
            File.CreateSymbolicLink(process + "/fd/3", open);
    }
}
