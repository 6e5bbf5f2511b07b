using System.Text;
using Holdfast.Configuration;
using Holdfast.Server.Auth;

namespace Holdfast.Registry2;

/// <summary>The users of one registry's htpasswd file.</summary>
/// <param name="Lines">What is taken, as lines for a new file.</param>
/// <param name="Left">What isn't, each with its line and what to do.</param>
internal sealed record MovedUsers(string Registry, string File, IReadOnlyList<string> Lines, IReadOnlyList<string> Left)
{
    /// <param name="target">The file that the new configuration names, for what to do.</param>
    /// <returns>The users; of several lines of one name the last, as there.</returns>
    public static MovedUsers Read(string registry, string file, string target)
    {
        var text = HtpasswdText.Read(file);
        if (text is { Entries.Count: 0, Problems: [var problem] })
            return new MovedUsers(registry, file, [], [$"{problem}; where the old registry's file is on this machine, say by --htpasswd"]);
        var last = text.Entries.Where(entry => entry.Name is not null).GroupBy(entry => entry.Name!, StringComparer.Ordinal).ToDictionary(group => group.Key, group => group.Last(), StringComparer.Ordinal);
        var left = new List<string>();
        foreach (var entry in text.Entries)
        {
            if (entry.Problem is { } fault)
                left.Add($"{file}:{entry.Line}: {fault.Replace($"--file {file}", $"--file {target}", StringComparison.Ordinal)}{There(entry)}");
            else if (last[entry.Name!] != entry)
                left.Add($"{file}:{entry.Line}: user {Problems.Quote(entry.Name!)} comes again on line {last[entry.Name!].Line}, which is the one that counts there");
        }

        return new MovedUsers(registry, file, [.. text.Entries.Where(entry => entry.Problem is null && last[entry.Name!] == entry).Select(entry => $"{entry.Name}:{entry.Hash}")], left);
    }

    public byte[] ToFile() => Encoding.UTF8.GetBytes(string.Concat(Lines.Select(line => line + "\n")));

    // Whoever has such a hash never came in there either, so that nobody is locked out by the move.
    private static string There(HtpasswdEntry entry) =>
        entry.Name is null ? " (the old registry lets nobody in at all with such a line)" : entry.Hash.StartsWith("$2", StringComparison.Ordinal) ? "" : " (the old registry takes bcrypt only, too: that password never worked there)";
}
