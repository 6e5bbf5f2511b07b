using Holdfast.Server;

namespace Holdfast.Configuration;

internal sealed class HealBinder(MapSetting root, string dataFolder, Problems problems, List<string> notes)
{
    private readonly Dictionary<string, Origin> places = new(StringComparer.Ordinal);

    public HealOptions Bind()
    {
        var donors = root.Map("heal").List("donors");
        var bound = new List<DonorOptions>();
        for (var i = 0; i < donors.Count; i++)
        {
            if (donors[i] is MapSetting { Bad: false } donor && Bind(donor, $"heal.donors[{i}]") is { } options)
                bound.Add(options);
        }

        return new HealOptions { Donors = bound };
    }

    private DonorOptions? Bind(MapSetting donor, string path)
    {
        if (donor.FindEntry("folder") is { } both && donor.Find("registry") is not null)
        {
            problems.Add(both.Origin, $"{path}.folder", "given beside registry; a donor is one of the two: make two donors of it");
            return null;
        }

        if (donor.Find("folder") is null && donor.Find("registry") is null)
        {
            // It may be what an unknown key was meant to be.
            if (donor.Entries.Any(e => e.Value.Bad))
                return null;
            problems.Add(donor.Origin, path, "names neither registry nor folder; write `registry: URL` or `folder: PATH`");
            return null;
        }

        CheckLogin(donor, path);
        var folder = BindFolder(donor, path);
        var registry = donor.Text("registry") is { } text ? new Uri(text) : null;
        if ((registry?.AbsoluteUri ?? folder) is { } place)
            CheckTwice(donor.Origin, path, place);
        if (registry is { Scheme: "http", IsLoopback: false } && donor.Find("passwordFile") is not null)
            notes.Add($"donor {registry.OriginalString} gets a password over plain http; use https");
        return new DonorOptions { Registry = registry, Username = donor.Text("username"), PasswordFile = donor.FullPath("passwordFile"), Folder = folder };
    }

    private void CheckLogin(MapSetting donor, string path)
    {
        if (donor.Find("folder") is not null)
        {
            foreach (var entry in donor.Entries.Where(e => e.Name is "username" or "passwordFile"))
                problems.Add(entry.Origin, $"{path}.{entry.Name}", "given for a folder, where nobody logs in; remove it");
            return;
        }

        if (donor.FindEntry("username") is { } username && donor.Find("passwordFile") is null)
            problems.Add(username.Origin, $"{path}.passwordFile", "missing; username needs the password, in a file");
        if (donor.FindEntry("passwordFile") is { } file && donor.Find("username") is null)
            problems.Add(file.Origin, $"{path}.username", "missing; say whose password passwordFile holds");
        if (donor.FullPath("passwordFile") is { } full && ReadableFile.Fault(full) is { } fault)
            problems.Add(donor.Scalar("passwordFile")!.Origin, $"{path}.passwordFile", fault);
    }

    private string? BindFolder(MapSetting donor, string path)
    {
        if (donor.FullPath("folder") is not { } folder)
            return null;
        folder = Path.TrimEndingDirectorySeparator(folder);
        var origin = donor.Scalar("folder")!.Origin;
        if (File.Exists(folder))
            problems.Add(origin, $"{path}.folder", $"{Problems.Quote(folder)} is a file; name a folder");
        else if (folder == Path.TrimEndingDirectorySeparator(dataFolder))
            problems.Add(origin, $"{path}.folder", "is the data folder itself, which can't heal itself; name another copy");
        else if (!Directory.Exists(folder))
            problems.Add(origin, $"{path}.folder", $"no folder {Problems.Quote(folder)}; the nearest that exists is {Problems.Quote(NearestParent(folder))}");
        return folder;
    }

    private void CheckTwice(Origin origin, string path, string place)
    {
        if (!places.TryAdd(place, origin))
            problems.AddFinding(origin, path, $"the same donor as at {places[place].Text}; remove one");
    }

    private static string NearestParent(string folder)
    {
        var parent = folder;
        while (Path.GetDirectoryName(parent) is { } next && !Directory.Exists(parent))
            parent = next;
        return parent;
    }
}
