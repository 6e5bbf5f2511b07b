using System.Diagnostics;
using System.Text;
using Shouldly;
using Xunit;

namespace Holdfast.Tests.Commands;

/// <summary>Runs the built program at a terminal, where somebody sits who answers its question.</summary>
internal static class HoldfastTerminal
{
    /// <summary>End of input, as Ctrl-D.</summary>
    public const string End = "\u0004";

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan Again = TimeSpan.FromSeconds(1);

    /// <param name="keys">What is typed once the question stands there.</param>
    /// <returns>All that the terminal shows.</returns>
    public static async Task<(int ExitCode, string Screen)> AnswerAsync(string folder, string arguments, string keys)
    {
        Assert.SkipUnless(File.Exists("/usr/bin/script"), "needs script (Debian: bsdutils)");
        string[] all = ["-qec", $"{HoldfastProcess.Program} {arguments}", "/dev/null"];
        using var process = Process.Start(HoldfastProcess.Describe("/usr/bin/script", folder, all, [("TERM", "dumb")]))!;
        var text = new StringBuilder();
        var one = new char[1];
        while (!text.ToString().EndsWith("[y/N] ", StringComparison.Ordinal))
        {
            (await process.StandardOutput.ReadAsync(one).AsTask().WaitAsync(Patience)).ShouldBe(1, text.ToString());
            text.Append(one);
        }
        var rest = process.StandardOutput.ReadToEndAsync();
        var since = Stopwatch.StartNew();
        do
        {
            // An end of input that comes before the program reads is none to it; somebody who sits there types it again.
            since.Elapsed.ShouldBeLessThan(Patience, text.ToString());
            await process.StandardInput.WriteAsync(keys);
            await process.StandardInput.FlushAsync();
        }
        while (await Task.WhenAny(rest, Task.Delay(keys == End ? Again : Patience)) != rest);
        text.Append(await rest);
        await process.WaitForExitAsync();
        return (process.ExitCode, text.ToString());
    }
}
