using EndToEnd.Processes;
using EndToEnd.Servers;

namespace EndToEnd.Scenarios;

/// <summary>The alerts that come with Holdfast are ones that Prometheus takes.</summary>
public sealed class RulesTests
{
    [Fact]
    public async Task ExampleRules_AreWhatPrometheusTakes()
    {
        Require.Programs("promtool");
        var rules = Path.Combine(HoldfastProcess.Checkout, "deploy", "prometheus-rules.yaml");
        await new ToolCall("promtool", "check", "rules", rules).OutputAsync(TestContext.Current.CancellationToken);
    }
}
