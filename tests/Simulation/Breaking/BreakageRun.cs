using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;

namespace Simulation.Breaking;

/// <summary><c>./dev sim --breakages</c>: breaks a copy of the tree in one way after the other, and looks how soon the simulation notices.</summary>
internal static partial class BreakageRun
{
    private const int Histories = 3000;

    // The analyzers have nothing to say about mistakes that are made on purpose.
    private const string Build =
        "build tests/Simulation -c Release -v quiet -clp:NoSummary -nodeReuse:false -p:UseSharedCompilation=true -p:RunAnalyzers=false -p:EnforceCodeStyleInBuild=false";

    [GeneratedRegex(@"\n(?<histories>\d+) histories", RegexOptions.ExplicitCapture)]
    private static partial Regex Figures();

    [GeneratedRegex(@"broken at step (?<step>\d+): (?<what>.*)\nreplay: \S+ sim --seed (?<seed>\d+)", RegexOptions.ExplicitCapture)]
    private static partial Regex Broken();

    /// <param name="words">Only those whose name contains one of them; none: all.</param>
    public static int Run(string[] words)
    {
        var copy = Directory.CreateTempSubdirectory("holdfast-breakages-").FullName;
        var missed = 0;
        try
        {
            CopyTree(FindRoot(), copy);
            Console.WriteLine("| broken on purpose | found after, histories | by seed | as |\n|---|---|---|---|");
            foreach (var breakage in Breakage.All.Where(b => words.Length == 0 || words.Any(word => b.Name.Contains(word, StringComparison.Ordinal))))
                missed += Run(copy, breakage) ? 0 : 1;
        }
        finally
        {
            Directory.Delete(copy, recursive: true);
        }
        return missed == 0 ? 0 : 1;
    }

    private static bool Run(string copy, Breakage breakage)
    {
        var path = Path.Combine(copy, breakage.File);
        var text = File.ReadAllText(path);
        var parts = text.Split(breakage.Old);
        if (parts.Length != 2)
        {
            Console.WriteLine($"| {breakage.Name} | its text stands {parts.Length - 1} times in {breakage.File} | | |");
            return false;
        }
        try
        {
            File.WriteAllText(path, string.Join(breakage.New, parts));
            if (!TryCall(copy, "dotnet", Build, out var errors))
            {
                Console.WriteLine($"| {breakage.Name} | does not build: {errors.Split('\n')[0]} | | |");
                return false;
            }
            var program = Path.Combine(copy, "tests/Simulation/bin/Release/net10.0/Simulation");
            var isKept = TryCall(copy, program, string.Create(CultureInfo.InvariantCulture, $"run --seed 1 --histories {Histories}"), out var output);
            var broken = Broken().Match(output);
            var histories = Figures().Matches(output).LastOrDefault()?.Groups["histories"].Value;
            Console.WriteLine(isKept
                ? $"| {breakage.Name} | not in {histories} | | |"
                : $"| {breakage.Name} | {histories} | {broken.Groups["seed"].Value} | {broken.Groups["what"].Value} |");
            return !isKept;
        }
        finally
        {
            File.WriteAllText(path, text);
        }
    }

    private static bool TryCall(string folder, string program, string arguments, out string output)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { WorkingDirectory = folder, RedirectStandardOutput = true, UseShellExecute = false })!;
        output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == 0;
    }

    private static void CopyTree(string from, string to)
    {
        foreach (var file in Directory.EnumerateFiles(from))
            File.Copy(file, Path.Combine(to, Path.GetFileName(file)));
        foreach (var folder in new[] { "src", "tests", "docs" })
            CopyFolder(Path.Combine(from, folder), Path.Combine(to, folder));
    }

    private static void CopyFolder(string from, string to)
    {
        Directory.CreateDirectory(to);
        foreach (var file in Directory.EnumerateFiles(from))
            File.Copy(file, Path.Combine(to, Path.GetFileName(file)));
        foreach (var folder in Directory.EnumerateDirectories(from).Where(folder => Path.GetFileName(folder) is not ("bin" or "obj")))
            CopyFolder(folder, Path.Combine(to, Path.GetFileName(folder)));
    }

    private static string FindRoot()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "Holdfast.slnx")))
                return folder.FullName;
        }
        throw new InvalidOperationException("the breakages are tried on a copy of the working tree, which has Holdfast.slnx at its root");
    }
}
