using System.Text.Json.Nodes;
using EndToEnd.Processes;
using EndToEnd.Servers;

namespace EndToEnd.Doctor;

/// <summary>One run of <c>holdfast scan</c> or <c>holdfast repair</c>.</summary>
internal static class DoctorCall
{
    public static async Task<ToolResult> RunAsync(CancellationToken token, params IReadOnlyList<string> arguments)
    {
        Require.True(File.Exists(HoldfastProcess.Executable), $"{HoldfastProcess.Executable} is not there (./dev build makes it)");
        return await new ToolCall(HoldfastProcess.Executable, arguments).RunAsync(token);
    }

    /// <summary>A call whose exit code is known beforehand.</summary>
    public static async Task<JsonNode> JsonAsync(int exitCode, CancellationToken token, params IReadOnlyList<string> arguments)
    {
        var result = await RunAsync(token, [.. arguments, "--json"]);
        result.ExitCode.ShouldBe(exitCode, result.ToString());
        return JsonNode.Parse(result.Output)!;
    }

    public static IEnumerable<JsonNode> Findings(JsonNode report) => report["registries"]!.AsArray().SelectMany(registry => registry!["findings"]!.AsArray()).Select(finding => finding!);
}
