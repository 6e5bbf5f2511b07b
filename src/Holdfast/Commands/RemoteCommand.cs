using System.CommandLine;

namespace Holdfast.Commands;

/// <summary>What commands that ask other registries have in common: how they end.</summary>
internal static class RemoteCommand
{
    /// <summary>Runs until the work ends or a signal comes; a <see cref="RemoteFault"/> becomes a line and exit code 2.</summary>
    /// <param name="whenStopped">The exit code after a signal; null: 128 and its number, as for work that did not come to its end.</param>
    public static async Task<int> RunAsync(ParseResult parsed, Func<CancellationToken, Task<int>> action, CancellationToken cancellationToken, int? whenStopped = null)
    {
        using var signals = new StopSignals();
        using var stopped = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var running = GuardAsync(parsed, action, stopped.Token);
        if (await Task.WhenAny(running, signals.First) == running)
            return await running;
        await stopped.CancelAsync();
        // It ends at once, but for whoever sits before the question for a password.
        await Task.WhenAny(running, signals.Second);
        return whenStopped ?? 128 + signals.Number;
    }

    private static async Task<int> GuardAsync(ParseResult parsed, Func<CancellationToken, Task<int>> action, CancellationToken token)
    {
        try
        {
            return await action(token);
        }
        catch (RemoteFault e)
        {
            await parsed.InvocationConfiguration.Error.WriteLineAsync($"{UsageFault.Spell(parsed.CommandResult.Command)}: {e.Message}");
            return RootCommands.Failed;
        }
        catch (OperationCanceledException) when (token.IsCancellationRequested)
        {
            return RootCommands.Failed;
        }
    }
}
