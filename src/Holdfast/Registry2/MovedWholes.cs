using Holdfast.Configuration;

namespace Holdfast.Registry2;

/// <summary>Puts together what each registry had for itself and a Holdfast has once: the longest time, the most talkative log.</summary>
internal static class MovedWholes
{
    private static readonly string[] Levels = ["debug", "information", "warning", "error"];

    public static (IReadOnlyList<MovedFile> Files, MovedWhole Whole) Merge(IReadOnlyList<MovedFile> files)
    {
        var wholes = files.Select(file => file.Registry.Whole).ToList();
        var whole = new MovedWhole
        {
            UploadAge = wholes.Max(one => one.UploadAge),
            Drain = wholes.Max(one => one.Drain),
            LogLevel = wholes.Select(one => one.LogLevel).OfType<string>().OrderBy(level => Array.IndexOf(Levels, level)).FirstOrDefault(),
            LogFormat = wholes.Select(one => one.LogFormat).OfType<string>().FirstOrDefault(),
            AccessLog = wholes.Exists(one => one.AccessLog),
        };
        return ([.. files.Select(file => file with { Remarks = [.. file.Remarks, .. Differences(file, whole)] })], whole);
    }

    private static IEnumerable<Remark> Differences(MovedFile file, MovedWhole whole)
    {
        var own = file.Registry.Whole;
        var origin = new Origin(file.File, "/");
        if (own.UploadAge is { } age && age != whole.UploadAge)
            yield return Of("storage.maintenance.uploadpurging.age", $"uploads.maxAge is one for all registries: {Quantity.Format(whole.UploadAge!.Value)}, the longest");
        if (own.Drain is { } drain && drain != whole.Drain)
            yield return Of("http.draintimeout", $"shutdown.drain is one for all registries: {Quantity.Format(whole.Drain!.Value)}, the longest");
        if (own.LogLevel is { } level && level != whole.LogLevel)
            yield return Of("log.level", $"log.level is one for all registries: {whole.LogLevel}, the one that tells most");
        if (own.LogFormat is { } format && format != whole.LogFormat)
            yield return Of("log.formatter", $"log.format is one for all registries: {whole.LogFormat}, the first");
        if (!own.AccessLog && whole.AccessLog)
            yield return Of("log.accesslog.disabled", "log.access is one for all registries: it is on, since another one has it");

        Remark Of(string key, string text) => new(key, origin, Verdict.NotHere, text);
    }
}
