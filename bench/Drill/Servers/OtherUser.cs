using System.Diagnostics;

namespace Holdfast.Drill.Servers;

/// <summary>Root reads files whatever their permissions say; a server that is to meet unreadable ones runs as somebody else.</summary>
internal static class OtherUser
{
    // "nobody" on every Linux.
    private const string Id = "65534";

    /// <returns>What to put before the server's command; empty if this process isn't root.</returns>
    public static IReadOnlyList<string> Wrapper(string folder)
    {
        if (Environment.UserName != "root")
            return [];
        using var chown = Process.Start("chown", ["-R", $"{Id}:{Id}", folder]);
        chown.WaitForExit();
        return ["setpriv", $"--reuid={Id}", $"--regid={Id}", "--clear-groups"];
    }
}
