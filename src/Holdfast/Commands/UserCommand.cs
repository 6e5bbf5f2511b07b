using System.CommandLine;
using System.Text.Json;
using Holdfast.Server.Auth;

namespace Holdfast.Commands;

/// <summary><c>holdfast user add|remove|list|check</c>: edits an htpasswd file; a running server takes the change over by itself.</summary>
public static class UserCommand
{
    private const int Fine = 0;
    private const int Findings = 1;
    private const int CouldNot = 2;

    private static readonly Argument<string> Name = new("name") { Description = "The user's name." };

    private static readonly Option<string> FileOption = new("--file")
    {
        Description = "The htpasswd file.",
        Required = true,
        HelpName = "htpasswd",
    };

    private static readonly Option<int> Cost = new("--cost")
    {
        Description = $"The logarithm of bcrypt's rounds, {Bcrypt.MinCost} to {Bcrypt.MaxCost}; one more doubles the time of a login.",
        DefaultValueFactory = _ => Bcrypt.DefaultCost,
    };

    private static readonly Option<bool> PasswordStdin = new("--password-stdin") { Description = "Read the password from standard input." };

    private static readonly Option<string?> PasswordFile = new("--password-file") { Description = "Read the password from a file.", HelpName = "file" };

    private static readonly Option<bool> Json = new("--json") { Description = "Print one JSON object." };

    private const string Description = """
        Manages the users of an htpasswd file. A running server takes a changed file within seconds, without a restart.

          holdfast user add ci --file /etc/holdfast/htpasswd                            asks for the password twice
          echo "$SECRET" | holdfast user add ci --file htpasswd --password-stdin
          holdfast user check ci --file htpasswd --password-file secret.txt
          holdfast user list --file htpasswd
          holdfast user remove ci --file htpasswd
        """;

    private const string AddDescription = """
        Adds a user, or gives one a new password. The file is made if it isn't there.
        On a terminal the password is asked for; it is never an argument, where others could see it.

          holdfast user add ci --file /etc/holdfast/htpasswd
          echo "$SECRET" | holdfast user add ci --file htpasswd --password-stdin
        """;

    public static Command Create()
    {
        var add = new Command("add", AddDescription) { Name, FileOption, Cost, PasswordStdin, PasswordFile };
        add.SetAction((parsed, token) => RunAsync(parsed, AddAsync, token));
        var remove = new Command("remove", "Removes a user.\n\n  holdfast user remove ci --file htpasswd") { Name, FileOption };
        remove.SetAction((parsed, token) => RunAsync(parsed, RemoveAsync, token));
        var list = new Command("list", "Lists the users, and what is wrong with the file. Exit codes: 0 fine, 1 something is wrong, 2 it can't be read.\n\n  holdfast user list --file htpasswd") { FileOption, Json };
        list.SetAction((parsed, token) => RunAsync(parsed, ListAsync, token));
        var check = new Command("check", "Checks a user's password. Exit codes: 0 right, 1 wrong or no such user, 2 could not do it.\n\n  holdfast user check ci --file htpasswd --password-file secret.txt") { Name, FileOption, PasswordStdin, PasswordFile, Json };
        check.SetAction((parsed, token) => RunAsync(parsed, CheckAsync, token));
        return new Command("user", Description) { add, remove, list, check };
    }

    private static async Task<int> AddAsync(ParseResult parsed, CancellationToken token)
    {
        var name = parsed.GetRequiredValue(Name);
        var cost = parsed.GetValue(Cost);
        if (HtpasswdText.NameProblem(name) is { } problem)
            throw new InvalidDataException(problem);
        if (cost is < Bcrypt.MinCost or > Bcrypt.MaxCost)
            throw new InvalidDataException($"--cost {cost}: {Bcrypt.MinCost} to {Bcrypt.MaxCost} are accepted");
        var password = await Passwords(parsed).ReadAsync(confirm: true, token);
        var done = HtpasswdEditor.Open(parsed.GetRequiredValue(FileOption), create: true).Set(name, password, cost);
        await Output(parsed).WriteLineAsync(done == HtpasswdEdit.Replaced ? $"{name}: password replaced" : $"{name}: added");
        return Fine;
    }

    private static async Task<int> RemoveAsync(ParseResult parsed, CancellationToken token)
    {
        var name = parsed.GetRequiredValue(Name);
        var file = parsed.GetRequiredValue(FileOption);
        if (HtpasswdEditor.Open(file).Remove(name) == HtpasswdEdit.NotFound)
            throw new InvalidDataException($"{file} has no user '{name}'");
        await Output(parsed).WriteLineAsync($"{name}: removed");
        return Fine;
    }

    private static async Task<int> ListAsync(ParseResult parsed, CancellationToken token)
    {
        var file = parsed.GetRequiredValue(FileOption);
        var text = HtpasswdEditor.Open(file).Text;
        var users = text.Users.OrderBy(u => u.Key, StringComparer.Ordinal);
        if (parsed.GetValue(Json))
        {
            await WriteJsonAsync(parsed, json =>
            {
                json.WriteString("file", file);
                json.WriteStartArray("users");
                foreach (var (name, hash) in users)
                {
                    json.WriteStartObject();
                    json.WriteString("name", name);
                    json.WriteNumber("cost", Bcrypt.TryReadCost(hash, out var cost) ? cost : 0);
                    json.WriteEndObject();
                }
                json.WriteEndArray();
                json.WriteStartArray("problems");
                foreach (var problem in text.Problems)
                    json.WriteStringValue(problem);
                json.WriteEndArray();
            });
        }
        else
        {
            foreach (var (name, _) in users)
                await Output(parsed).WriteLineAsync(name);
            foreach (var problem in text.Problems)
                await Errors(parsed).WriteLineAsync(problem);
        }
        return text.Problems.Count == 0 ? Fine : Findings;
    }

    private static async Task<int> CheckAsync(ParseResult parsed, CancellationToken token)
    {
        var name = parsed.GetRequiredValue(Name);
        var file = parsed.GetRequiredValue(FileOption);
        var editor = HtpasswdEditor.Open(file);
        var password = await Passwords(parsed).ReadAsync(confirm: false, token);
        var found = editor.Check(name, password);
        var (word, text) = found switch
        {
            HtpasswdCheck.Right => ("right", "the password is right"),
            HtpasswdCheck.Wrong => ("wrong", "the password is wrong"),
            _ => ("no such user", "no such user"),
        };
        if (parsed.GetValue(Json))
        {
            await WriteJsonAsync(parsed, json =>
            {
                json.WriteString("file", file);
                json.WriteString("user", name);
                json.WriteString("result", word);
            });
        }
        else
        {
            await Output(parsed).WriteLineAsync($"{name}: {text}");
        }
        return found == HtpasswdCheck.Right ? Fine : Findings;
    }

    // What can go wrong is worded for the user where it is found; here it becomes one line and an exit code.
    private static async Task<int> RunAsync(ParseResult parsed, Func<ParseResult, CancellationToken, Task<int>> action, CancellationToken token)
    {
        try
        {
            if (Bcrypt.MissingLibrary is { } missing)
                throw new IOException(missing);
            return await action(parsed, token);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or InvalidDataException)
        {
            await Errors(parsed).WriteLineAsync($"holdfast user: {e.Message}");
            return CouldNot;
        }
    }

    private static PasswordSource Passwords(ParseResult parsed) =>
        new(parsed.GetValue(PasswordStdin), parsed.GetValue(PasswordFile), Errors(parsed));

    private static TextWriter Output(ParseResult parsed) => parsed.InvocationConfiguration.Output;

    private static TextWriter Errors(ParseResult parsed) => parsed.InvocationConfiguration.Error;

    private static async Task WriteJsonAsync(ParseResult parsed, Action<Utf8JsonWriter> members)
    {
        using var buffer = new MemoryStream();
        await using (var json = new Utf8JsonWriter(buffer, new JsonWriterOptions { Indented = true }))
        {
            json.WriteStartObject();
            members(json);
            json.WriteEndObject();
        }
        await Output(parsed).WriteLineAsync(System.Text.Encoding.UTF8.GetString(buffer.ToArray()));
    }
}
