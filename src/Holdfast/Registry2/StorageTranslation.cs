using Holdfast.Configuration;

namespace Holdfast.Registry2;

/// <summary>Where the images are, and the upload sessions.</summary>
internal sealed class StorageTranslation(GivenSettings given, MapSetting root, Origin file, Release release)
{
    /// <summary>Where that registry keeps its images if nobody says so.</summary>
    public const string DefaultRoot = "/var/lib/registry";

    // What the schema takes for uploads.maxAge.
    private static readonly TimeSpan LeastAge = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan GreatestAge = TimeSpan.FromDays(365);

    /// <returns>The folder with the images; null if they are elsewhere.</returns>
    public string? Root()
    {
        var drivers = root.Find("storage") is MapSetting storage ? storage.Entries.Where(e => !KnownDrivers.Beside.Contains(e.Name, StringComparer.Ordinal)).ToList() : [];
        if (drivers.Count == 0)
            given.Tell("storage", root.FindEntry("storage")?.Origin ?? file, Verdict.Wrong, "names no driver: write storage: { filesystem: { rootdirectory: … } }");
        else if (drivers.Count > 1)
            given.Tell("storage", drivers[1].Origin, Verdict.Wrong, $"{string.Join(" and ", drivers.Select(driver => Problems.Quote(driver.Name)))} are given; one of them must go");
        else if (drivers[0].Name == KnownDrivers.FileSystem)
            return FileSystem();
        else
            Other(drivers[0]);
        return null;
    }

    public TimeSpan? UploadAge()
    {
        const string Prefix = "storage.maintenance.uploadpurging";
        given.Tell($"{Prefix}.dryrun", given.Flag($"{Prefix}.dryrun") ? Verdict.NotHere : Verdict.NotNeeded, "old upload sessions are removed; there is no trying it only");
        // Compared with false there: anything else, a text in quotes as well, is on.
        var isOn = given.Find($"{Prefix}.enabled")?.Value is not ScalarSetting { IsQuoted: false } enabled || GoValue.Boolean(enabled.Text) != false;
        CheckMaintenance(isOn);
        if (!isOn)
        {
            given.Tell($"{Prefix}.enabled", Verdict.Taken, "uploads.maxAge is the longest that there is: a year");
            given.Tell($"{Prefix}.age", Verdict.NotNeeded, "it is switched off there");
            return GreatestAge;
        }

        given.Tell($"{Prefix}.enabled", Verdict.Taken, "uploads.maxAge; it is always on");
        if (given.Duration($"{Prefix}.age") is not { } age)
            return null;
        var taken = age < LeastAge ? LeastAge : age > GreatestAge ? GreatestAge : TimeSpan.FromSeconds(Math.Ceiling(age.TotalSeconds));
        given.Tell($"{Prefix}.age", Verdict.Taken, $"uploads.maxAge: {Quantity.Format(taken)}");
        return taken;
    }

    private void CheckMaintenance(bool isPurging)
    {
        var maintenance = root.Map("storage").Map("maintenance");
        foreach (var name in (ReadOnlySpan<string>)["uploadpurging", "readonly"])
        {
            if (maintenance?.FindEntry(name) is { Value: ScalarSetting { IsEmpty: true } } empty)
                given.Tell($"storage.maintenance.{name}", empty.Origin, Verdict.Wrong, "is empty; write its settings, or remove it");
        }

        if (!isPurging || maintenance?.FindEntry("uploadpurging") is not { Value: MapSetting purging } entry)
            return;
        foreach (var name in (ReadOnlySpan<string>)["age", "interval", "dryrun"])
        {
            if (purging.Find(name) is null)
                given.Tell($"storage.maintenance.uploadpurging.{name}", entry.Origin, Verdict.Wrong, "is missing; age, interval and dryrun are all wanted there");
        }
    }

    private string FileSystem()
    {
        var folder = given.Text("storage.filesystem.rootdirectory") ?? DefaultRoot;
        if (UpstreamTranslation.Url(given) is not null)
            given.Tell("storage.filesystem.rootdirectory", Verdict.NotNeeded, "what a cache holds is not moved, it fills itself again; `data` is a new folder");
        else
            given.Tell("storage.filesystem.rootdirectory", Verdict.Taken, "the images there are brought over by `holdfast import`; `data` is a new folder, as Holdfast's layout is another");
        return folder;
    }

    private void Other(MapSetting.Entry driver)
    {
        var known = KnownDrivers.Names(release);
        var key = $"storage.{driver.Name}";
        if (known.Contains(driver.Name, StringComparer.Ordinal))
        {
            given.Tell(key, driver.Origin, Verdict.NotHere, driver.Name == "inmemory"
                ? "nothing outlives a restart there; here everything is stored in the folder `data`"
                : "images are stored in the folder `data` here. Bring them over while the old registry runs: `holdfast import` takes them from its URL");
            return;
        }

        var near = NearestName.Find(driver.Name, known);
        given.Tell(key, driver.Origin, Verdict.Wrong, $"is no storage driver of registry:{(release == Release.Two ? "2" : "3")}{(near is null ? "" : $"; did you mean {near}?")}");
    }
}
