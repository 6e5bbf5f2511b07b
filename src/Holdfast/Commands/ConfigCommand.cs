using System.CommandLine;
using Holdfast.Configuration;

namespace Holdfast.Commands;

/// <summary><c>holdfast config check|sample|reference|from-registry2</c></summary>
internal static class ConfigCommand
{
    public static Command Create() => new("config", """
        Checks a configuration, or shows how one is written.

          holdfast config sample > holdfast.yaml            a file to start from, every key explained
          holdfast config check --config holdfast.yaml      every problem in it, and what it would serve
          holdfast config from-registry2 config.yml         one made of a registry:2's configuration
        """)
    {
        CreateCheck(),
        CreateSample(),
        CreateReference(),
        FromRegistry2Command.Create(),
    };

    private static Command CreateCheck()
    {
        var json = new Option<bool>("--json") { Description = "Print one JSON object." };
        var options = new ConfigurationOptions();
        var command = new Command("check", """
            Finds every problem of a configuration at once, and says what it would serve.
            Exit codes: 0 fine, 1 problems, 2 the file can't be read.

              holdfast config check --config holdfast.yaml
              holdfast config check --config holdfast.yaml --json | jq .problems
            """);
        options.AddTo(command);
        command.Add(json);
        command.SetAction(result => Check(options.Read(result), result.GetValue(json)));
        return command;
    }

    private static Command CreateSample()
    {
        var command = new Command("sample", "Prints a configuration to start from, with every key explained.\n\n  holdfast config sample > holdfast.yaml");
        command.SetAction(_ => Console.Out.Write(ConfigurationSample.Read()));
        return command;
    }

    private static Command CreateReference()
    {
        var command = new Command("reference", "Prints every key with its default and its environment variable, as Markdown.\n\n  holdfast config reference > configuration.md");
        command.SetAction(_ => Console.Out.Write(ConfigurationReference.Write()));
        return command;
    }

    private static int Check(ConfigurationArguments arguments, bool json)
    {
        var result = ConfigurationLoader.OfProcess().Load(arguments);
        if (json)
            ConfigurationReport.WriteJson(result, Console.OpenStandardOutput());
        else
            ConfigurationReport.Write(result, Console.Out);
        if (!result.CouldRead)
            return RootCommands.Failed;
        return result.Problems.Count > 0 ? RootCommands.Findings : RootCommands.Fine;
    }
}
