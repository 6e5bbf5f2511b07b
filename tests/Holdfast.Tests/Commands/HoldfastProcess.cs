using System.Diagnostics;

namespace Holdfast.Tests.Commands;

/// <summary>Runs the built program, which lies beside the tests, as a user would.</summary>
internal static class HoldfastProcess
{
    public static string Program => Path.Combine(AppContext.BaseDirectory, "holdfast");

    public static Task<(int ExitCode, string Output, string Errors)> RunAsync(string folder, string[] arguments, params (string Name, string Value)[] environment) =>
        RunAsync(Describe(Program, folder, arguments, environment), "");

    /// <param name="input">What stands on standard input.</param>
    public static Task<(int ExitCode, string Output, string Errors)> RunWithInputAsync(string folder, string input, params string[] arguments) =>
        RunAsync(Describe(Program, folder, arguments, []), input);

    /// <summary>A start with redirected streams and none of the variables by which the program is configured but the given ones.</summary>
    public static ProcessStartInfo Describe(string program, string folder, string[] arguments, (string Name, string Value)[] environment)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = folder,
        };
        foreach (var inherited in start.Environment.Keys.Where(k => k.StartsWith("HOLDFAST_", StringComparison.Ordinal)).ToList())
            start.Environment.Remove(inherited);
        foreach (var (name, value) in environment)
            start.Environment[name] = value;
        return start;
    }

    public static async Task<(int ExitCode, string Output, string Errors)> RunAsync(ProcessStartInfo start, string input)
    {
        using var process = Process.Start(start)!;
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        var output = process.StandardOutput.ReadToEndAsync(limit.Token);
        var errors = process.StandardError.ReadToEndAsync(limit.Token);
        try
        {
            await WriteInputAsync(process, input);
            await process.WaitForExitAsync(limit.Token);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            throw;
        }

        return (process.ExitCode, await output, await errors);
    }

    private static async Task WriteInputAsync(Process process, string input)
    {
        try
        {
            await process.StandardInput.WriteAsync(input);
            process.StandardInput.Close();
        }
        catch (IOException)
        {
            // It ended without reading its input; what it said tells why.
        }
    }
}
