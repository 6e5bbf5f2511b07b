using Holdfast.Configuration;

namespace Holdfast.Commands;

/// <summary>Where a command gets a password from: standard input, a file, or a person at a terminal. Never its arguments, which others see.</summary>
internal sealed class PasswordSource(bool fromStdin, string? file, TextWriter prompt)
{
    // Far more than any password; what is larger is not the file that was meant.
    private const int MaxChars = 4096;

    /// <param name="confirm">Ask a person twice?</param>
    /// <exception cref="InvalidDataException">There is no password to be had that way; the message says why.</exception>
    public async Task<string> ReadAsync(bool confirm, CancellationToken token)
    {
        if (fromStdin && file is not null)
            throw new InvalidDataException("give --password-stdin or --password-file, not both");
        if (file is not null)
        {
            if (ReadableFile.Fault(file) is { } fault)
                throw new InvalidDataException($"--password-file: {fault}");
            using var reader = new StreamReader(file);
            return await ReadAllAsync(reader, token);
        }
        if (fromStdin)
            return await ReadAllAsync(Console.In, token);
        if (Console.IsInputRedirected)
            throw new InvalidDataException("no terminal to ask for the password: give --password-stdin or --password-file F");
        var password = await AskAsync("Password: ");
        if (confirm && !string.Equals(password, await AskAsync("Again: "), StringComparison.Ordinal))
            throw new InvalidDataException("the two passwords differ");
        return password;
    }

    private static async Task<string> ReadAllAsync(TextReader reader, CancellationToken token)
    {
        var buffer = new char[MaxChars + 1];
        var length = await reader.ReadBlockAsync(buffer, token);
        if (length > MaxChars)
            throw new InvalidDataException($"the password is longer than {MaxChars} characters");
        var text = new string(buffer, 0, length);
        // The line end that echo and editors put there is no part of it.
        if (text.EndsWith('\n'))
            text = text[..^1];
        return text.EndsWith('\r') ? text[..^1] : text;
    }

    private async Task<string> AskAsync(string question)
    {
        var typed = Terminal.ReadHiddenLine(() => prompt.Write(question));
        await prompt.WriteLineAsync();
        return typed;
    }
}
