using Holdfast.Doctor.Registry2;
using Holdfast.Oci;

namespace Holdfast.Doctor.Tests.Registry2;

public sealed class RegistryFolderTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Find_DataFolderOrItsLayoutOrAParent_GivesTheRegistries()
    {
        _ = new FakeRegistry(Path.Combine(_folder.Path, "private"));
        _ = new FakeRegistry(Path.Combine(_folder.Path, "caches/dockerhub"), isCache: true);

        var both = Find(_folder.Path);
        both.Select(folder => (folder.Name, folder.IsCache)).ShouldBe([("caches/dockerhub", true), ("private", false)]);
        Find(Path.Combine(_folder.Path, "private")).Single().Path.ShouldBe(both[1].Path);
        var layout = Find(Path.Combine(_folder.Path, "caches/dockerhub/docker/registry/v2")).Single();
        (layout.IsCache, layout.DataFolder).ShouldBe((true, both[0].DataFolder));
    }

    [Theory]
    [InlineData("empty")]
    [InlineData("holdfast")]
    [InlineData("git")]
    [InlineData("file")]
    [InlineData("absent")]
    public void Find_NoRegistry_SaysWhatToName(string kind)
    {
        var path = Path.Combine(_folder.Path, kind);
        if (kind == "file")
            File.WriteAllText(path, "");
        else if (kind != "absent")
            Directory.CreateDirectory(Path.Combine(path, kind switch { "holdfast" => "blobs/sha256", "git" => "repositories/a.git", _ => "else" }));

        Should.Throw<NotARegistryException>(() => Find(path)).Message.ShouldContain(path);
    }

    [Theory]
    [InlineData("blobs")]
    [InlineData("repositories")]
    public void Find_PartBehindALink_IsRefusedAndNotTakenForEmpty(string part)
    {
        var registry = new FakeRegistry(_folder.Path);
        Directory.Delete(registry.PathOf(part), recursive: true);
        Directory.CreateDirectory(Path.Combine(_folder.Path, "elsewhere"));
        File.CreateSymbolicLink(registry.PathOf(part), Path.Combine(_folder.Path, "elsewhere"));

        Should.Throw<NotARegistryException>(() => Find(_folder.Path)).Message.ShouldContain("symbolic link");
    }

    [Theory]
    [InlineData("linked")]
    [InlineData("inner/docker")]
    public void Find_RegistryBehindALinkBesideAnother_IsToldAndTheOtherIsRead(string link)
    {
        _ = new FakeRegistry(_folder.Path + "/all/good");
        _ = new FakeRegistry(_folder.Path + "/away");
        Directory.CreateDirectory(Path.GetDirectoryName(_folder.Path + "/all/" + link)!);
        File.CreateSymbolicLink(_folder.Path + "/all/" + link, _folder.Path + (link == "linked" ? "/away" : "/away/docker"));
        var problems = new List<FolderProblem>();

        RegistryFolders.Find(_folder.Path + "/all", problems.Add).ShouldHaveSingleItem().Name.ShouldBe("good");
        problems.ShouldHaveSingleItem().Kind.ShouldBe(FolderProblemKind.Linked);
        Should.Throw<NotARegistryException>(() => Find(_folder.Path + "/all/" + link.Split('/')[0] + (link == "linked" ? "/none" : "")));
    }

    [Fact]
    public void Find_FolderNamedThroughALink_IsRead()
    {
        _ = new FakeRegistry(Path.Combine(_folder.Path, "real"));
        File.CreateSymbolicLink(Path.Combine(_folder.Path, "link"), Path.Combine(_folder.Path, "real"));

        Find(Path.Combine(_folder.Path, "link")).Single().Path.ShouldBe(Path.Combine(_folder.Path, "real/docker/registry/v2"));
    }

    [Fact]
    public void Repositories_Nested_AreAllFoundInOrder()
    {
        var registry = new FakeRegistry(_folder.Path);
        foreach (var name in new[] { "b", "a/b/c", "a", "a-b", "a/tags" })
            registry.PutImage(name, "v1");

        registry.Open().Repositories(_ => Assert.Fail("nothing is strange here")).Select(r => r.Name.ToString()).ShouldBe(["a", "a/b/c", "a/tags", "a-b", "b"]);
    }

    [Fact]
    public void Repositories_StrangeNamesAndLinks_AreToldAndPassedOver()
    {
        var registry = new FakeRegistry(_folder.Path);
        registry.PutImage("good", "v1");
        foreach (var strange in new[] { "_manifests/_manifests", "UPPER/_layers", "good/_other/x", "new\nline/_manifests" })
            Directory.CreateDirectory(registry.PathOf("repositories/" + strange));
        File.WriteAllText(registry.PathOf("repositories/file"), "");
        File.CreateSymbolicLink(registry.PathOf("repositories/away"), "/etc");
        var problems = new List<FolderProblem>();

        registry.Open().Repositories(problems.Add).Select(r => r.Name.ToString()).ShouldBe(["good"]);
        problems.Select(problem => (problem.Kind, problem.Path)).ShouldBe(
            [
                (FolderProblemKind.Strange, "repositories/_manifests"),
                (FolderProblemKind.Strange, "repositories/file"),
                (FolderProblemKind.Linked, "repositories/away"),
                (FolderProblemKind.Strange, "repositories/UPPER"),
                (FolderProblemKind.Strange, "repositories/good/_other"),
                (FolderProblemKind.Strange, "repositories/new\\u000aline"),
            ],
            ignoreOrder: true);
    }

    [Fact]
    public void Layers_BelowAFolderWhoseNameATerminalObeys_AreToldInPlainText()
    {
        var registry = new FakeRegistry(_folder.Path);
        registry.PutImage("app", "v1");
        Directory.CreateDirectory(registry.PathOf("repositories/app/_layers/\u001b[31mred"));
        File.WriteAllText(registry.PathOf("repositories/app/_layers/\u001b[31mred/file"), "");
        var problems = new List<FolderProblem>();

        registry.Open().Repositories(problems.Add).Single().Layers(problems.Add).Count().ShouldBe(3);

        problems.ShouldHaveSingleItem().Path.ShouldBe("repositories/app/_layers/\\u001b[31mred/file");
    }

    [Fact]
    public void Tags_OfARepository_TellWhereTheyLeadAndLed()
    {
        var registry = new FakeRegistry(_folder.Path);
        var old = registry.PutImage("app", "latest");
        var image = registry.PutImage("app", "latest");
        Directory.CreateDirectory(registry.TagFolder("app", "-bad"));
        var repository = registry.Open().Repository(RepositoryName.Parse("app"));
        var problems = new List<FolderProblem>();

        var tag = repository.Tags(problems.Add).ToList().ShouldHaveSingleItem();
        (tag.Tag.ToString(), tag.Current.Target).ShouldBe(("latest", image.Manifest.Digest));
        repository.History(tag.Tag, problems.Add).Select(link => link.Digest).ShouldBe([old.Manifest.Digest, image.Manifest.Digest], ignoreOrder: true);
        problems.ShouldHaveSingleItem().Detail.ShouldContain("'-bad' is no tag");
    }

    [Theory]
    [InlineData("absent", LinkState.Absent)]
    [InlineData("empty folder", LinkState.EmptyFolder)]
    [InlineData("newline", LinkState.Bad)]
    [InlineData("zero bytes", LinkState.Bad)]
    [InlineData("other digest", LinkState.Bad)]
    [InlineData("long", LinkState.Bad)]
    [InlineData("link", LinkState.Bad)]
    [InlineData("folder", LinkState.Unreadable)]
    [InlineData("whole", LinkState.Present)]
    public void ReadRevision_EveryKind_IsToldApart(string kind, LinkState expected)
    {
        var registry = new FakeRegistry(_folder.Path);
        var image = registry.PutImage("app", "v1").Manifest.Digest;
        var folder = registry.RevisionFolder("app", image);
        var link = folder + "/link";
        switch (kind)
        {
            case "absent": Directory.Delete(folder, recursive: true); break;
            case "empty folder": File.Delete(link); break;
            case "newline": File.AppendAllText(link, "\n"); break;
            case "zero bytes": File.WriteAllText(link, ""); break;
            case "other digest": File.WriteAllText(link, Digest.Compute(DigestAlgorithm.Sha256, [1]).ToString()); break;
            case "long": File.WriteAllText(link, new string('a', 100_000)); break;
            case "link": File.Move(link, _folder.Path + "/moved"); File.CreateSymbolicLink(link, _folder.Path + "/moved"); break;
            case "folder": File.Delete(link); Directory.CreateDirectory(link); break;
        }

        var found = registry.Open().Repository(RepositoryName.Parse("app")).ReadRevision(image);
        found.State.ShouldBe(expected);
        (found.Problem is null).ShouldBe(expected is not (LinkState.Bad or LinkState.Unreadable));
    }

    [Theory]
    [InlineData("absent", BlobFileState.Absent)]
    [InlineData("no data", BlobFileState.NoData)]
    [InlineData("zero", BlobFileState.ZeroLength)]
    [InlineData("link", BlobFileState.Unreadable)]
    [InlineData("folder", BlobFileState.Unreadable)]
    [InlineData("whole", BlobFileState.Present)]
    public void LookAt_EveryKind_IsToldApart(string kind, BlobFileState expected)
    {
        var registry = new FakeRegistry(_folder.Path);
        var digest = registry.PutData([1, 2, 3]);
        var data = registry.DataFile(digest);
        switch (kind)
        {
            case "absent": registry.DropData(digest); break;
            case "no data": File.Delete(data); break;
            case "zero": File.WriteAllBytes(data, []); break;
            case "link": File.Move(data, _folder.Path + "/moved"); File.CreateSymbolicLink(data, _folder.Path + "/moved"); break;
            case "folder": File.Delete(data); Directory.CreateDirectory(data); break;
        }

        registry.Open().LookAt(digest).State.ShouldBe(expected);
        registry.Open().Blobs(_ => { }).Count(blob => blob.Digest == digest && blob.State == expected).ShouldBe(kind == "absent" ? 0 : 1);
    }

    [Fact]
    public void LookAt_BlobOfNoBytes_IsPresent()
    {
        var registry = new FakeRegistry(_folder.Path);
        registry.Open().LookAt(registry.PutData([])).State.ShouldBe(BlobFileState.Present);
    }

    [Fact]
    public void TryOpen_FolderThatIsALink_LeavesNotTheRegistry()
    {
        var registry = new FakeRegistry(_folder.Path + "/registry");
        var digest = registry.PutData([1, 2, 3]);
        Directory.Move(registry.BlobFolder(digest), _folder.Path + "/moved");
        File.CreateSymbolicLink(registry.BlobFolder(digest), _folder.Path + "/moved");

        Should.Throw<IOException>(() => registry.Open().TryOpen(digest)).Message.ShouldContain("symbolic link");
        var problems = new List<FolderProblem>();
        registry.Open().Blobs(problems.Add).ShouldBeEmpty();
        problems.ShouldHaveSingleItem().Kind.ShouldBe(FolderProblemKind.Linked);
    }

    [Fact]
    public void Uploads_LeftOver_TellTheirSizeAndStart()
    {
        var registry = new FakeRegistry(_folder.Path);
        var folder = registry.PathOf("repositories/app/_uploads/0f0e");
        Directory.CreateDirectory(folder);
        File.WriteAllText(folder + "/data", "12345");
        File.WriteAllText(folder + "/startedat", "2026-04-01T10:00:00Z");

        registry.Open().Repositories(_ => { }).Single().Uploads(_ => { }).ToList().ShouldHaveSingleItem()
            .ShouldBe(new UploadFolder("0f0e", 5, new DateTimeOffset(2026, 4, 1, 10, 0, 0, TimeSpan.Zero)));
    }

    private static IReadOnlyList<RegistryFolder> Find(string path) => RegistryFolders.Find(path, _ => { });
}
