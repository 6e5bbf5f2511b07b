namespace EndToEnd.Clients;

/// <summary>Settings for podman, buildah and skopeo that keep them out of the system's container storage and off other registries.</summary>
internal sealed class ContainersHome
{
    public ContainersHome(Lab lab)
    {
        Folder = lab.NewFolder("containers");
        Environment = new Dictionary<string, string>
        {
            ["HOME"] = Folder,
            ["XDG_DATA_HOME"] = Path.Combine(Folder, "data"),
            ["XDG_RUNTIME_DIR"] = Path.Combine(Folder, "run"),
            ["CONTAINERS_CONF"] = Write("containers.conf", $"""
                [engine]
                cgroup_manager = "cgroupfs"
                events_logger = "none"
                lock_type = "file"
                tmp_dir = "{Folder}/libpod"
                """),
            ["CONTAINERS_STORAGE_CONF"] = Write("storage.conf", $"""
                [storage]
                driver = "vfs"
                graphroot = "{Folder}/graph"
                runroot = "{Folder}/run"
                """),
            ["CONTAINERS_REGISTRIES_CONF"] = Write("registries.conf", "unqualified-search-registries = []\n"),
            ["BUILDAH_ISOLATION"] = "chroot",
            ["TMPDIR"] = Directory.CreateDirectory(Path.Combine(Folder, "tmp")).FullName,
        };
    }

    public string Folder { get; }

    public Dictionary<string, string> Environment { get; }

    public IReadOnlyList<string> StorageOptions => ["--root", $"{Folder}/graph", "--runroot", $"{Folder}/run", "--storage-driver", "vfs"];

    private string Write(string name, string text)
    {
        var file = Path.Combine(Folder, name);
        File.WriteAllText(file, text);
        return file;
    }
}
