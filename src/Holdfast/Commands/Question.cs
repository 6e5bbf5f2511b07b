namespace Holdfast.Commands;

/// <summary>Asks a person at a terminal, on standard error: standard output may be a file.</summary>
internal static class Question
{
    /// <summary>Is there somebody to ask?</summary>
    public static bool CanBeAsked => !Console.IsInputRedirected && !Console.IsErrorRedirected;

    /// <summary>Anything but yes is no, the end of the input too.</summary>
    public static async Task<bool> AskAsync(AdminCall call, string question, CancellationToken token)
    {
        var prompt = call.Parsed.InvocationConfiguration.Error;
        await prompt.WriteAsync($"{question} [y/N] ");
        await prompt.FlushAsync(token);
        if (await Console.In.ReadLineAsync(token) is { } answer && answer.Trim().ToUpperInvariant() is "Y" or "YES")
            return true;
        await prompt.WriteLineAsync("nothing was done");
        return false;
    }
}
