using System.CommandLine;
using System.CommandLine.Parsing;
using System.Diagnostics;
using Holdfast.Configuration;

namespace Holdfast.Commands;

/// <summary>Words for a command line that isn't understood, and for a fault that nobody expected.</summary>
internal static class UsageFault
{
    /// <returns>One line for each problem; none if only the command is missing, and its help says more.</returns>
    public static IEnumerable<string> Explain(ParseResult parsed)
    {
        var command = parsed.CommandResult.Command;
        // What follows an option that isn't known is most likely its value.
        var options = parsed.UnmatchedTokens.Where(token => token.StartsWith('-')).ToList();
        var unknown = (options.Count > 0 ? options : parsed.UnmatchedTokens).Select(token => Unknown(command, token)).ToList();
        if (unknown.Count > 0 || (command.Subcommands.Count > 0 && command.Arguments.Count == 0))
            return unknown;
        return parsed.Errors.Select(Explain);
    }

    /// <summary>As the user calls it: holdfast user add.</summary>
    public static string Spell(Command command) =>
        command is RootCommand || command.Parents.FirstOrDefault() is not Command parent ? "holdfast" : $"{Spell(parent)} {command.Name}";

    /// <summary>One line about a fault of the program, with the methods that whoever mends it needs.</summary>
    public static string Describe(Exception fault)
    {
        var methods = new StackTrace(fault).GetFrames()
            .Select(frame => frame.GetMethod())
            .Where(method => method?.DeclaringType?.FullName?.StartsWith("Holdfast", StringComparison.Ordinal) == true)
            .Select(method => $"{method!.DeclaringType!.FullName}.{method.Name}")
            .Take(4);
        return $"a fault of this program, please report it: {fault.GetType().Name}: {fault.Message.ReplaceLineEndings(" ")} (in {string.Join(" < ", methods)})";
    }

    private static string Unknown(Command command, string token)
    {
        if (token.StartsWith('-'))
        {
            var near = NearestName.Find(token, command.Options.SelectMany(o => o.Aliases.Append(o.Name)));
            if (near is not null)
                return $"no option {token}; did you mean {near}?";
            return command.Options.Any(o => o.Name == "--set")
                ? $"no option {token}; any key of the configuration is given by --set, as in --set log.level=debug"
                : $"no option {token}";
        }

        if (command.Subcommands.Count == 0 && command.Arguments.FirstOrDefault(argument => IsNumber(argument.ValueType)) is { } number)
            return NotA(number, token, command);
        if (command.Subcommands.Count == 0)
            return command.Arguments.Count == 0 ? $"'{token}' is too much: {Spell(command)} takes options only" : $"'{token}' is too much";
        var names = command.Subcommands.Select(c => c.Name).ToList();
        return NearestName.Find(token, names) is { } name
            ? $"no command '{token}'; did you mean {name}?"
            : $"no command '{token}'; known are {string.Join(", ", names)}";
    }

    private static bool IsNumber(Type type) => (type.GetElementType() ?? type) is var one && (one == typeof(int) || one == typeof(long));

    private static Command CommandOf(SymbolResult? result) => result is CommandResult { Command: var command } ? command : CommandOf(result!.Parent);

    private static string NotA(Argument argument, string text, Command command) =>
        $"'{text}' is no {argument.Name}, which is a whole number: {Spell(command)} {argument.Name.ToUpperInvariant()}";

    private static string Explain(ParseError error) => error.SymbolResult switch
    {
        ArgumentResult { Argument: { Name: var name }, Parent: CommandResult { Command: var command } } when name.Length > 0 && error.SymbolResult.Tokens.Count == 0 =>
            $"the {name} is missing: {Spell(command)} {name.ToUpperInvariant()}",
        CommandResult { Command: var command } when command.Arguments.FirstOrDefault() is { } argument && error.Message.Contains("argument missing", StringComparison.Ordinal) =>
            $"the {argument.Name} is missing: {Spell(command)} {argument.Name.ToUpperInvariant()}",
        OptionResult { Option: { Required: true, HelpName: var help } option, Tokens.Count: 0 } => $"{option.Name} is missing: {option.Name} {(help ?? "value").ToUpperInvariant()}",
        OptionResult { Option: var option, Tokens: [.., var value] } when IsNumber(option.ValueType) => $"{option.Name} '{value.Value}': not a whole number",
        ArgumentResult { Argument: var argument, Tokens: [.., var value] } when IsNumber(argument.ValueType) =>
            NotA(argument, value.Value, CommandOf(error.SymbolResult)),
        _ => error.Message.TrimEnd('.'),
    };
}
