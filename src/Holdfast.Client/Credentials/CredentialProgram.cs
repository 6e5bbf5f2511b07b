using System.ComponentModel;
using System.Diagnostics;
using System.Text.Json;

namespace Holdfast.Client.Credentials;

/// <summary>Asks a program <c>docker-credential-NAME</c> (docker's protocol: <c>get</c>, the server on standard input, JSON on standard output).</summary>
internal static class CredentialProgram
{
    private const int MaxAnswerChars = 64 << 10;

    // A helper may ask a person to unlock a key ring; one that does not end must not hold a pipeline for ever.
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    /// <returns>The credential, or null with a problem, or null without one: it has none for this server.</returns>
    public static async Task<(Credential? Found, string? Problem)> GetAsync(string name, string server, TimeProvider time, CancellationToken token)
    {
        if (name.Length == 0 || name.AsSpan().ContainsAnyExcept(NameCharacters))
            return (null, $"the credential helper '{Failures.Printable(name)}' has no name that a program could have");
        var program = $"docker-credential-{name}";
        if (FindOnPath(program) is not { } path)
            return (null, Missing(program, server));
        using var late = new CancellationTokenSource(Limit, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(late.Token, token);
        try
        {
            var (exitCode, output) = await RunAsync(path, server, either.Token);
            if (exitCode == 0)
                return Read(program, server, output);
            // docker's own helpers say so in these words, on standard output.
            return output.Contains("credentials not found", StringComparison.OrdinalIgnoreCase)
                ? (null, null)
                : (null, $"{program} ended with {exitCode}: {Failures.Printable(output.Trim())}");
        }
        catch (Win32Exception)
        {
            return (null, Missing(program, server));
        }
        catch (OperationCanceledException) when (!token.IsCancellationRequested)
        {
            return (null, $"{program} did not answer for {Limit.TotalSeconds} seconds");
        }
        catch (IOException e)
        {
            return (null, $"{program} could not be asked: {Failures.Printable(e.Message)}");
        }
    }

    private static string Missing(string program, string server) =>
        $"there is no program {program} on the PATH that can be run, which is to know the password for {server}; install it, or give --user";

    // The framework looks into the current folder first: whoever wrote what was checked out there would be asked for the password, or run.
    private static string? FindOnPath(string program) => (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':')
        .Where(static folder => folder.StartsWith('/'))
        .Select(folder => Path.Combine(folder, program))
        .FirstOrDefault(static path => File.Exists(path) && (File.GetUnixFileMode(path) & (UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute)) != 0);

    private static async Task<(int ExitCode, string Output)> RunAsync(string path, string server, CancellationToken token)
    {
        using var process = new Process
        {
            StartInfo = new ProcessStartInfo(path, ["get"]) { UseShellExecute = false, RedirectStandardInput = true, RedirectStandardOutput = true },
        };
        process.Start();
        try
        {
            await AskAsync(process, server, token);
            var buffer = new char[MaxAnswerChars];
            var length = await process.StandardOutput.ReadBlockAsync(buffer.AsMemory(), token);
            await process.WaitForExitAsync(token);
            return (process.ExitCode, new string(buffer, 0, length));
        }
        finally
        {
            if (!process.HasExited)
                process.Kill(entireProcessTree: true);
        }
    }

    private static async Task AskAsync(Process process, string server, CancellationToken token)
    {
        try
        {
            await process.StandardInput.WriteAsync(server.AsMemory(), token);
            process.StandardInput.Close();
        }
        catch (IOException)
        {
            // It ended without reading the question; what it said tells why.
        }
    }

    private static (Credential? Found, string? Problem) Read(string program, string server, string output)
    {
        try
        {
            using var document = JsonDocument.Parse(output);
            var (user, secret) = (CredentialFile.Text(document.RootElement, "Username"), CredentialFile.Text(document.RootElement, "Secret"));
            if (user is "<token>")
                return (null, $"{program} has an identity token for {server}, which is not spoken here; give --user with a password or an access token");
            return user.Length > 0 ? (new Credential(user, secret, program), null) : (null, null);
        }
        catch (JsonException)
        {
            return (null, $"{program} answered something else than JSON");
        }
    }

    private static readonly System.Buffers.SearchValues<char> NameCharacters =
        System.Buffers.SearchValues.Create("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-");
}
