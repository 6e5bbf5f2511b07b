using Xunit.Runner.InProc.SystemConsole;

namespace Tidy;

internal static class Program
{
    /// <summary>With <c>write</c>, writes the files that are generated from the tests; else runs the rules, with the test runner's arguments.</summary>
    private static async Task<int> Main(string[] args)
    {
        if (args is not ["write"])
            return await ConsoleRunner.Run(args);
        await File.WriteAllTextAsync(SpecMap.File, SpecMap.Write());
        Console.WriteLine($"wrote {Path.GetRelativePath(Repository.Root, SpecMap.File)}");
        return 0;
    }
}
