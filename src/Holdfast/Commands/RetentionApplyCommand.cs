using System.CommandLine;
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
            Exit codes: 0 done, 1 a guard or an in-use list stopped something or you said no, 2 it could not be done.

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
            if (call.Json || !Question.CanBeAsked)
                throw new AdminFault("there is nobody to ask; look at `holdfast retention plan`, then give --yes");
            var plan = file is null
                ? await call.RunAsync<RetentionPlan>(HttpMethod.Post, "/api/v1/retention/plan", body, token)
                : Parse(await ReadAsync(file, token), file);
            await call.PrintAsync(plan, (text, shown) => RetentionWords.Describe(text, shown, verbose: false));
            if (plan.Repositories.All(repository => repository.Removed.Count == 0 && repository.Finding is null) && plan.Problems.Count == 0)
                return RootCommands.Fine;
            if (!await Question.AskAsync(call, "Move this to the trash?", token))
                return RootCommands.Findings;
            // Exactly what was shown.
            body = file is null ? new { plan } : body;
        }
        var result = await call.RunAsync<RetentionResult>(HttpMethod.Post, "/api/v1/retention/apply", body, token);
        await call.PrintAsync(result, RetentionWords.Describe);
        return result.WasStopped ? RootCommands.Findings : RootCommands.Fine;
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
            throw new AdminFault($"{file} can't be read as a plan; `holdfast retention plan --out {file}` makes one", e);
        }
    }
}
