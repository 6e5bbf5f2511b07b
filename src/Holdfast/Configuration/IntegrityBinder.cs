using Holdfast.Server;

namespace Holdfast.Configuration;

internal sealed class IntegrityBinder(MapSetting root, Problems problems)
{
    public CollectionOptions BindCollection()
    {
        var collection = root.Map("collection");
        var defaults = new CollectionOptions();
        return new CollectionOptions
        {
            Grace = collection.Duration("grace", defaults.Grace),
            Lease = collection.Duration("lease", defaults.Lease),
            MaxReviewsPerSecond = collection.Number("maxReviewsPerSecond", defaults.MaxReviewsPerSecond),
            Interval = collection.Duration("interval", defaults.Interval),
        };
    }

    public TrashOptions BindTrash()
    {
        var trash = root.Map("trash");
        var options = new TrashOptions { Keep = trash.Duration("keep", new TrashOptions().Keep) };
        if (options.Keep == TimeSpan.Zero)
            problems.AddFinding(trash.Scalar("keep")!.Origin, "trash.keep", "with 0s no delete can be undone; write for example 7d");
        return options;
    }

    public ScrubOptions BindScrub()
    {
        var scrub = root.Map("scrub");
        var defaults = new ScrubOptions();
        return new ScrubOptions
        {
            Period = scrub.Duration("period", defaults.Period),
            BytesPerSecond = scrub.Rate("rate", defaults.BytesPerSecond),
            SweepInterval = scrub.Duration("sweep", defaults.SweepInterval),
            MaxFilesPerSecond = scrub.Number("maxFilesPerSecond", defaults.MaxFilesPerSecond),
        };
    }

    public SelfProbeOptions BindProbe()
    {
        var probe = root.Map("probe");
        var defaults = new SelfProbeOptions();
        return new SelfProbeOptions
        {
            Enabled = probe.Flag("enabled", true),
            Interval = probe.Duration("interval", defaults.Interval),
            MaxTags = probe.Number("maxTags", defaults.MaxTags),
            Read = probe.Flag("read", defaults.Read),
        };
    }
}
