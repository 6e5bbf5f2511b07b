using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;

namespace Holdfast.Commands;

/// <summary>The help of a command, with the first sentence alone of each command below it: those say the rest in their own help.</summary>
internal sealed class BriefHelp(HelpAction whole) : SynchronousCommandLineAction
{
    public static void UseIn(RootCommand root)
    {
        foreach (var option in root.Options.OfType<HelpOption>())
            option.Action = new BriefHelp((HelpAction)option.Action!);
    }

    public override int Invoke(ParseResult parseResult)
    {
        foreach (var command in parseResult.CommandResult.Command.Subcommands)
            command.Description = FirstSentence(command.Description ?? "");
        // A command above asks for what this one does not take.
        foreach (var argument in parseResult.CommandResult.Command.Parents.OfType<Command>().SelectMany(static command => command.Arguments))
            argument.Hidden = true;
        return whole.Invoke(parseResult);
    }

    private static string FirstSentence(string text)
    {
        var line = text.Split('\n')[0];
        return line.IndexOf(". ", StringComparison.Ordinal) is > 0 and var end ? line[..(end + 1)] : line;
    }
}
