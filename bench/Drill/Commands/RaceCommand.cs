using Holdfast.Drill.Race;

namespace Holdfast.Drill.Commands;

internal static class RaceCommand
{
    public static async Task<int> ExecuteAsync(Arguments arguments, CancellationToken token)
    {
        var common = CommonOptions.Read(arguments);
        var otherwise = new RaceOptions(common.Program);
        var options = otherwise with
        {
            Pushes = arguments.Count("pushes", otherwise.Pushes),
            Clients = arguments.Count("clients", otherwise.Clients),
            Deleters = arguments.Count("deleters", otherwise.Deleters),
            Pairs = arguments.Count("pairs", otherwise.Pairs),
            Phase = arguments.Duration("phase", otherwise.Phase),
            PushRate = arguments.Count("push-rate", otherwise.PushRate),
            PullRate = arguments.Count("pull-rate", otherwise.PullRate),
            Seed = common.Seed,
            Parent = common.Folder,
            Keep = common.Keep,
            Say = CommonOptions.Say,
        };
        arguments.RefuseUnread();
        CommonOptions.Say($"race of {options.Pushes} pushes, seed {options.Seed}");
        var result = await new RaceDrill(options).RunAsync(token);
        return Output.Print(result, common.Json, result.Faults);
    }
}
