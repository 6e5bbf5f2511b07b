using System.Globalization;
using Holdfast.Configuration;

namespace Holdfast.Registry2;

/// <summary>Several containers may each have had port 5000; on one machine, one listener has it.</summary>
internal static class MovedPorts
{
    public static List<MovedFile> Spread(IReadOnlyList<MovedFile> files)
    {
        var spread = new List<MovedFile>();
        foreach (var file in files)
            spread.Add(Find(spread, file.Registry.Listener) is { } other ? Elsewhere(file, other, spread) : file);
        return spread;
    }

    private static MovedRegistry? Find(List<MovedFile> files, MovedListener listener) =>
        files.Select(file => file.Registry).FirstOrDefault(other => Address(other.Listener).Collides(Address(listener)));

    private static MovedFile Elsewhere(MovedFile file, MovedRegistry other, List<MovedFile> taken)
    {
        var listener = file.Registry.Listener;
        // Downwards from the end of the ports there is always one.
        var port = Enumerable.Range(listener.Port + 1, 65_535 - listener.Port).Concat(Enumerable.Range(1, listener.Port).Reverse())
            .First(free => Find(taken, listener with { Port = free }) is null);
        var text = string.Create(
            CultureInfo.InvariantCulture,
            $"port {listener.Port} is registry {other.Name}'s already; {port} is written. Say which one its clients use: --listen {file.Registry.Name}=http{(listener.IsHttps ? "s" : "")}://{listener.Host}:PORT");
        return file with
        {
            Registry = file.Registry with { Listener = listener with { Port = port } },
            Remarks = [.. file.Remarks, new Remark("http.addr", new Origin(file.File, "/"), Verdict.NotHere, text)],
        };
    }

    private static ListenerAddress Address(MovedListener listener)
    {
        ListenerAddress.Parse(string.Create(CultureInfo.InvariantCulture, $"http://{listener.Host}:{listener.Port}"), out var address);
        return address!;
    }
}
