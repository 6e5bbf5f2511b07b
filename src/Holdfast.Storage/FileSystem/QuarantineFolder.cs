using System.Globalization;
using Holdfast.Storage.Blobs;
using Holdfast.Storage.Native;

namespace Holdfast.Storage.FileSystem;

/// <summary>The files of wrong bytes, kept as evidence within a bound.</summary>
internal static class QuarantineFolder
{
    /// <exception cref="IOException">The folder can't be read, or a file of it not be removed.</exception>
    public static IReadOnlyList<QuarantinedFile> Trim(string folder, QuarantineBound bound, DateTimeOffset now)
    {
        try
        {
            var removed = new List<QuarantinedFile>();
            var files = new DirectoryInfo(folder).EnumerateFiles().Select(file => (File: file, TakenAtMs: TakenAt(file.Name)))
                .Where(file => file.TakenAtMs > 0).OrderByDescending(file => file.TakenAtMs).ToList();
            var kept = 0L;
            var oldest = (now - bound.MaxAge).ToUnixTimeMilliseconds();
            foreach (var (file, takenAtMs) in files)
            {
                var size = file.LinkTarget is null ? file.Length : 0;
                if (takenAtMs >= oldest && (kept == 0 || kept + size <= bound.MaxBytes))
                {
                    kept += size;
                    continue;
                }
                removed.Add(new QuarantinedFile(file.Name, size));
                file.Delete();
            }
            return removed;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Posix.Translate(e);
        }
    }

    // What has another name was put there by someone else, who may want it.
    private static long TakenAt(string name) =>
        long.TryParse(name.AsSpan(name.LastIndexOf('.') + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var ms) ? ms : 0;
}
