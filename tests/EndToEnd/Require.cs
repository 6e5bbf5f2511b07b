using EndToEnd.Processes;

namespace EndToEnd;

/// <summary>What a test needs of the machine. Absent: the test is skipped with a line that says what; in CI (CI=true) it fails.</summary>
internal static class Require
{
    public static void Programs(params ReadOnlySpan<string> names)
    {
        foreach (var name in names)
        {
            True(Find(name) is not null, $"the program '{name}' is not installed (tests/EndToEnd/install-packages installs it)");
        }
    }

    public static void Root() => True(Environment.UserName == "root", "this test must run as root");

    public static void True(bool condition, string missing)
    {
        if (condition)
        {
            return;
        }

        if (Environment.GetEnvironmentVariable("CI") == "true")
        {
            Assert.Fail(missing);
        }

        Assert.Skip(missing);
    }

    public static string? Find(string name) =>
        Environment.GetEnvironmentVariable("PATH")!.Split(':').Append("/usr/sbin").Append("/sbin")
            .Select(folder => Path.Combine(folder, name)).FirstOrDefault(File.Exists);
}
