using EndToEnd.Processes;

namespace EndToEnd.Servers;

internal static class Htpasswd
{
    /// <summary>A file with one user, by Apache's own tool; cost 5, as most such files have.</summary>
    public static async Task<string> WriteAsync(Lab lab, Credentials user, CancellationToken token)
    {
        Require.Programs("htpasswd");
        var file = Path.Combine(lab.NewFolder("users"), "htpasswd");
        await new ToolCall("htpasswd", "-ciB", "-C", "5", file, user.User) { Input = user.Password }.OutputAsync(token);
        return file;
    }
}
