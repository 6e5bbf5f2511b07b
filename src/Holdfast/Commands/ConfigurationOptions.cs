using System.CommandLine;
using Holdfast.Configuration;

namespace Holdfast.Commands;

/// <summary>The options by which a command takes its configuration.</summary>
/// <param name="mayListen">Does the command care where a server listens?</param>
internal sealed class ConfigurationOptions(bool mayListen = true)
{
    private readonly Option<string?> config = new("--config", "-c") { Description = "Configuration file (YAML). Default: HOLDFAST_CONFIG, else none.", HelpName = "file" };
    private readonly Option<string?> data = new("--data") { Description = "Folder of everything that is stored.", HelpName = "folder" };
    private readonly Option<string[]> listen = new("--listen") { Description = "Address to listen on, instead of the configured ones; may be repeated. With several registries: name=url.", HelpName = "url" };
    private readonly Option<string[]> set = new("--set") { Description = "Any key, over file and environment: --set disk.reserve=5GiB. May be repeated.", HelpName = "key=value" };

    public void AddTo(Command command)
    {
        command.Add(config);
        command.Add(data);
        if (mayListen)
            command.Add(listen);
        command.Add(set);
    }

    public ConfigurationArguments Read(ParseResult result) => new()
    {
        File = result.GetValue(config),
        Data = result.GetValue(data),
        Listen = result.GetValue(listen) ?? [],
        Set = result.GetValue(set) ?? [],
    };
}
