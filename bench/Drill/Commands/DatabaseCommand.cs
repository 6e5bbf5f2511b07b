using Holdfast.Drill.Database;

namespace Holdfast.Drill.Commands;

internal static class DatabaseCommand
{
    public static async Task<int> ExecuteAsync(Arguments arguments, CancellationToken token)
    {
        var common = CommonOptions.Read(arguments);
        var otherwise = new DatabaseOptions(common.Program);
        var options = otherwise with
        {
            Pushes = arguments.Count("pushes", otherwise.Pushes),
            Seed = common.Seed,
            Parent = common.Folder,
            Keep = common.Keep,
            Say = CommonOptions.Say,
        };
        arguments.RefuseUnread();
        CommonOptions.Say($"losses of the database, seed {options.Seed}");
        var result = await new DatabaseDrill(options).RunAsync(token);
        return Output.Print(result, common.Json, result.Faults);
    }
}
