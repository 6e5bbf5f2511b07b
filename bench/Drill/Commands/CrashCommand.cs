using Holdfast.Drill.Crash;

namespace Holdfast.Drill.Commands;

internal static class CrashCommand
{
    public static async Task<int> ExecuteAsync(Arguments arguments, CancellationToken token)
    {
        var common = CommonOptions.Read(arguments);
        var otherwise = new CrashOptions(common.Program);
        var options = otherwise with
        {
            Kills = arguments.Count("kills", otherwise.Kills),
            Pushers = arguments.Count("pushers", otherwise.Pushers),
            Deleters = arguments.Count("deleters", otherwise.Deleters),
            Traffic = arguments.Duration("traffic", otherwise.Traffic),
            Check = arguments.Duration("check", otherwise.Check),
            Seed = common.Seed,
            Parent = common.Folder,
            Keep = common.Keep,
            Say = CommonOptions.Say,
        };
        arguments.RefuseUnread();
        CommonOptions.Say($"crash loop of {options.Kills} kills, seed {options.Seed}");
        var result = await new CrashLoop(options).RunAsync(token);
        return Output.Print(result, common.Json, result.Faults);
    }
}
