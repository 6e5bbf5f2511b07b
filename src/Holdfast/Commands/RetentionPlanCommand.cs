using System.CommandLine;
using System.Text;
using System.Text.Json;
using Holdfast.Server.Http;
using Holdfast.Server.Retention;

namespace Holdfast.Commands;

/// <summary><c>holdfast retention plan</c></summary>
internal static class RetentionPlanCommand
{
    private static readonly JsonSerializerOptions Indented = new(AdminJson.Answers) { WriteIndented = true };

    public static Command Create()
    {
        var scope = new RetentionScopeOptions();
        var output = new Option<string?>("--out") { Description = "Keep the plan in this file, to be applied with retention apply --plan.", HelpName = "file" };
        var verbose = new Option<bool>("--verbose") { Description = "Show every image, with each reason for which it stays." };
        var command = AdminCommand.Create(
            "plan",
            """
            Shows what the retention rules would remove now, and why the rest stays. Changes nothing.
            Exit codes: 0 shown, 2 the server could not be asked.

              holdfast retention plan
              holdfast retention plan --registry private --repository 'infra/**' --verbose
              holdfast retention plan --out plan.json && holdfast retention apply --plan plan.json
            """,
            (call, token) => RunAsync(call, scope.Body(call.Parsed), call.Parsed.GetValue(output), call.Parsed.GetValue(verbose), token));
        scope.AddTo(command);
        command.Add(output);
        command.Add(verbose);
        return command;
    }

    private static async Task<int> RunAsync(AdminCall call, object scope, string? output, bool verbose, CancellationToken token)
    {
        if (output is not null && WhyNotWritable(output) is { } fault)
            throw new AdminFault($"--out {output}: {fault}");
        var plan = await call.RunAsync<RetentionPlan>(HttpMethod.Post, "/api/v1/retention/plan", scope, token);
        if (output is not null)
            await WriteAsync(output, plan, token);
        await call.PrintAsync(plan, (text, answer) => RetentionWords.Describe(text, answer, verbose));
        if (output is not null && !call.Json)
            await call.Output.WriteLineAsync($"kept in {output}; apply it with `holdfast retention apply --plan {output}` within {SavedPlan.MaxAge.Days} days");
        return RootCommands.Fine;
    }

    private static async Task WriteAsync(string file, RetentionPlan plan, CancellationToken token)
    {
        try
        {
            await File.WriteAllTextAsync(file, JsonSerializer.Serialize(plan, Indented) + "\n", new UTF8Encoding(false), token);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            var why = WhyNotWritable(file) ?? (e is UnauthorizedAccessException ? $"user {Environment.UserName} may not write it" : "it could not be written; has the disk room?");
            throw new AdminFault($"--out {file}: {why}", e);
        }
    }

    // Before the plan is made, which may take long.
    private static string? WhyNotWritable(string file) =>
        Directory.Exists(file) ? "it is a folder; name a file in it"
        : Path.GetDirectoryName(Path.GetFullPath(file)) is { } folder && !Directory.Exists(folder) ? $"there is no folder {folder}; make it first"
        : null;
}

/// <summary>Which repositories are meant.</summary>
internal sealed class RetentionScopeOptions
{
    private readonly Option<string?> registry = new("--registry") { Description = "Only this registry.", HelpName = "name" };
    private readonly Option<string?> repository = new("--repository") { Description = "Only repositories that fit: a name, or a pattern as in rules.", HelpName = "pattern" };

    public void AddTo(Command command)
    {
        command.Add(registry);
        command.Add(repository);
    }

    public bool IsGiven(ParseResult parsed) => (parsed.GetValue(registry) ?? parsed.GetValue(repository)) is not null;

    public object Body(ParseResult parsed)
    {
        var body = new Dictionary<string, string>(StringComparer.Ordinal);
        if (parsed.GetValue(registry) is { } name)
            body.Add("registry", name);
        if (parsed.GetValue(repository) is { } pattern)
            body.Add("repository", pattern);
        return body;
    }
}
