using System.Diagnostics;
using System.Text;

namespace EndToEnd.Processes;

/// <summary>What a program printed and how it ended.</summary>
internal sealed record ToolResult(string Command, int ExitCode, string Output, string Error)
{
    public override string ToString() => $"`{Command}` ended with {ExitCode}\n--- output\n{Output}\n--- error\n{Error}";
}

/// <summary>One run of a program with its arguments, to its end.</summary>
internal sealed record ToolCall(string Program, params IReadOnlyList<string> Arguments)
{
    public IReadOnlyDictionary<string, string> Environment { get; init; } = new Dictionary<string, string>();

    public string? Directory { get; init; }

    /// <summary>Sent to standard input, which is closed after it.</summary>
    public string Input { get; init; } = "";

    public TimeSpan Timeout { get; init; } = TimeSpan.FromMinutes(4);

    /// <summary>Runs the program and expects exit code 0.</summary>
    /// <returns>What it wrote to standard output, trimmed.</returns>
    /// <exception cref="InvalidOperationException">Another exit code; the message holds everything it printed.</exception>
    public async Task<string> OutputAsync(CancellationToken token)
    {
        var result = await RunAsync(token);
        return result.ExitCode == 0 ? result.Output.Trim() : throw new InvalidOperationException(result.ToString());
    }

    /// <summary>Runs the program, whatever its exit code; it is killed with its children when the token or the timeout fires.</summary>
    public async Task<ToolResult> RunAsync(CancellationToken token)
    {
        using var process = new Process { StartInfo = StartInfo() };
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(token);
        limit.CancelAfter(Timeout);
        process.Start();
        var output = process.StandardOutput.ReadToEndAsync(limit.Token);
        var error = process.StandardError.ReadToEndAsync(limit.Token);
        try
        {
            await WriteInputAsync(process);
            await Task.WhenAll(output, error, process.WaitForExitAsync(limit.Token));
        }
        catch (OperationCanceledException late) when (!token.IsCancellationRequested)
        {
            process.Kill(entireProcessTree: true);
            throw new TimeoutException($"`{this}` took longer than {Timeout}", late);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            throw;
        }

        return new ToolResult(ToString(), process.ExitCode, await output, await error);
    }

    public override string ToString() => string.Join(' ', [Program, .. Arguments]);

    private async Task WriteInputAsync(Process process)
    {
        try
        {
            await process.StandardInput.WriteAsync(Input);
            process.StandardInput.Close();
        }
        catch (IOException)
        {
            // The program ended, or closed its input, without reading it; its exit code tells the rest.
        }
    }

    private ProcessStartInfo StartInfo()
    {
        var start = new ProcessStartInfo(Program, Arguments)
        {
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            StandardInputEncoding = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false),
            WorkingDirectory = Directory ?? "/",
        };
        foreach (var (name, value) in Environment)
        {
            start.Environment[name] = value;
        }

        return start;
    }
}
