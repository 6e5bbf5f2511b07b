using System.CommandLine;
using System.Text;
using System.Text.Json;
using Holdfast.Server.Http;

namespace Holdfast.Commands;

/// <summary>What every command that asks a running server has in common: how it is made, what it prints, how it ends.</summary>
internal static class AdminCommand
{
    private static readonly JsonSerializerOptions Indented = new(AdminJson.Answers) { WriteIndented = true };

    /// <summary>Makes a command with the options that find a server.</summary>
    /// <param name="action">Returns the exit code; an <see cref="AdminFault"/> becomes a line and exit code 2.</param>
    public static Command Create(string name, string description, Func<AdminCall, CancellationToken, Task<int>> action)
    {
        var options = new AdminOptions();
        var command = new Command(name, description);
        options.AddTo(command);
        command.SetAction((parsed, token) => RunAsync(parsed, options, action, token));
        return command;
    }

    /// <summary>The one JSON object of <c>--json</c>.</summary>
    public static Task WriteJsonAsync<T>(TextWriter output, T value) => output.WriteLineAsync(JsonSerializer.Serialize(value, Indented));

    private static async Task<int> RunAsync(ParseResult parsed, AdminOptions options, Func<AdminCall, CancellationToken, Task<int>> action, CancellationToken token)
    {
        using var signals = new StopSignals();
        using var stopped = CancellationTokenSource.CreateLinkedTokenSource(token);
        var running = RunAsync(parsed, options, action, parsed.InvocationConfiguration.Error, stopped.Token);
        if (await Task.WhenAny(running, signals.First) != running)
        {
            await stopped.CancelAsync();
            // It ends at once, but for whoever sits before the question for a password.
            await Task.WhenAny(running, signals.Second);
            return 128 + signals.Number;
        }
        return await running;
    }

    private static async Task<int> RunAsync(
        ParseResult parsed, AdminOptions options, Func<AdminCall, CancellationToken, Task<int>> action, TextWriter errors, CancellationToken token)
    {
        try
        {
            using var connection = await options.OpenAsync(parsed, token);
            using var progress = new ProgressDisplay(errors, !Console.IsErrorRedirected, TimeProvider.System);
            return await action(new AdminCall(parsed, connection, progress, options.Json(parsed)), token);
        }
        catch (AdminFault e)
        {
            await errors.WriteLineAsync($"{UsageFault.Spell(parsed.CommandResult.Command)}: {e.Message}");
            return RootCommands.Failed;
        }
        catch (OperationCanceledException) when (token.IsCancellationRequested)
        {
            return RootCommands.Failed;
        }
    }
}

/// <summary>One call of a command that asks a running server.</summary>
/// <param name="Parsed">Its arguments.</param>
/// <param name="Progress">Told of by long work; shows itself if that takes more than a second.</param>
/// <param name="Json">Is one JSON object wanted?</param>
internal sealed record AdminCall(ParseResult Parsed, AdminConnection Connection, ProgressDisplay Progress, bool Json)
{
    public TextWriter Output => Parsed.InvocationConfiguration.Output;

    /// <summary>Has long work done, with its progress shown.</summary>
    /// <exception cref="AdminFault">The server isn't there, refused, or could not do it.</exception>
    public async Task<T> RunAsync<T>(HttpMethod method, string path, object? body, CancellationToken token)
    {
        try
        {
            return await Connection.StreamAsync<T>(method, path, body, Progress.Show, token);
        }
        finally
        {
            Progress.Clear();
        }
    }

    /// <summary>Prints an answer: as JSON if that is wanted, else in words.</summary>
    public async Task PrintAsync<T>(T answer, Action<StringBuilder, T> words)
    {
        if (Json)
        {
            await AdminCommand.WriteJsonAsync(Output, answer);
            return;
        }
        var text = new StringBuilder();
        words(text, answer);
        await Output.WriteAsync(text.ToString());
    }
}
