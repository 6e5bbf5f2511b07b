using Holdfast.Load;
using Holdfast.Load.Commands;

try
{
    return args switch
    {
        ["run", .. var rest] => RunCommand.Execute(new Arguments(rest)),
        ["prepare", .. var rest] => PrepareCommand.Execute(new Arguments(rest)),
        ["start", .. var rest] => StartCommand.Execute(new Arguments(rest)),
        ["report", .. var rest] => ReportCommand.Execute(new Arguments(rest)),
        _ => Usage.Print(),
    };
}
catch (UsageException problem)
{
    Console.Error.WriteLine($"load: {problem.Message}");
    return 2;
}
catch (RequestFailedException problem)
{
    Console.Error.WriteLine($"load: {problem.Message}");
    return 2;
}
