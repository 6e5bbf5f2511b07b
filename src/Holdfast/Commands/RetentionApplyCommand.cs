using System.CommandLine;
using System.Text;
using System.Text.Json;
using Holdfast.Configuration;
using Holdfast.Server.Retention;

namespace Holdfast.Commands;

/// <summary><c>holdfast retention apply</c></summary>
internal static class RetentionApplyCommand
{
    public static Command Create()
    {
        var scope = new RetentionScopeOptions();
        var plan = new Option<string?>("--plan") { Description = "Apply what this file says (retention plan --out), instead of a fresh plan.", HelpName = "file" };
        var yes = new Option<bool>("--yes") { Description = "Don't ask." };
        var command = AdminCommand.Create(
            "apply",
            """
            Moves what the retention rules don't keep to the trash, from where `holdfast trash restore --run ID` brings it back.
            On a terminal the plan is shown first, and it asks. Of a saved plan, what changed since it was made stays.
            Exit codes: 0 done, 1 a guard or an in-use list stopped something, 2 it could not be done.

              holdfast retention apply
              holdfast retention apply --registry private --repository 'infra/**' --yes
              holdfast retention apply --plan plan.json --yes
            """,
            (call, token) => RunAsync(call, scope, call.Parsed.GetValue(plan), call.Parsed.GetValue(yes), token));
        scope.AddTo(command);
        command.Add(plan);
        command.Add(yes);
        return command;
    }

    private static async Task<int> RunAsync(AdminCall call, RetentionScopeOptions scope, string? file, bool yes, CancellationToken token)
    {
        if (file is not null && scope.IsGiven(call.Parsed))
            throw new AdminFault("give --plan, or --registry and --repository for a fresh plan, not both");
        object body = file is null ? scope.Body(call.Parsed) : new { plan = await ReadAsync(file, token) };
        if (!yes)
        {
            if (call.Json || Console.IsInputRedirected || Console.IsOutputRedirected)
                throw new AdminFault("there is nobody to ask; look at `holdfast retention plan`, then give --yes");
            if (await AskAsync(call, body, file, token) is not { } confirmed)
                return RootCommands.Fine;
            body = confirmed;
        }
        var result = await call.RunAsync<RetentionResult>(HttpMethod.Post, "/api/v1/retention/apply", body, token);
        await call.PrintAsync(result, RetentionWords.Describe);
        return result.WasStopped ? RootCommands.Findings : RootCommands.Fine;
    }

    /// <returns>What to apply: exactly the plan that was shown; null if the answer is no, or there is nothing to do.</returns>
    private static async Task<object?> AskAsync(AdminCall call, object body, string? file, CancellationToken token)
    {
        var plan = file is null
            ? await call.RunAsync<RetentionPlan>(HttpMethod.Post, "/api/v1/retention/plan", body, token)
            : Parse(await ReadAsync(file, token), file);
        var text = new StringBuilder();
        RetentionWords.Describe(text, plan, verbose: false);
        await call.Output.WriteAsync(text.ToString());
        if (plan.Repositories.All(repository => repository.Removed.Count == 0 && repository.Finding is null) && plan.Problems.Count == 0)
            return null;
        await call.Output.WriteAsync("Move this to the trash? [y/N] ");
        if (Console.ReadLine()?.Trim().ToUpperInvariant() is not ("Y" or "YES"))
            return null;
        return file is null ? new { plan } : body;
    }

    private static RetentionPlan Parse(JsonElement plan, string file)
    {
        try
        {
            return plan.Deserialize<RetentionPlan>(Server.Http.AdminJson.Answers) ?? throw new AdminFault($"{file} holds no plan");
        }
        catch (JsonException e)
        {
            throw new AdminFault($"{file} holds no plan of this version: {e.Path}", e);
        }
    }

    private static async Task<JsonElement> ReadAsync(string file, CancellationToken token)
    {
        if (ReadableFile.Fault(file) is { } fault)
            throw new AdminFault($"--plan: {fault}");
        try
        {
            await using var stream = File.OpenRead(file);
            using var document = await JsonDocument.ParseAsync(stream, new JsonDocumentOptions { AllowDuplicateProperties = false }, token);
            return document.RootElement.ValueKind == JsonValueKind.Object ? document.RootElement.Clone() : throw new AdminFault($"{file} holds no plan");
        }
        catch (Exception e) when (e is IOException or JsonException)
        {
            throw new AdminFault($"{file} can't be read as a plan: {e.Message}", e);
        }
    }
}
