using Holdfast.Drill.Damage;

namespace Holdfast.Drill.Commands;

internal static class DamageCommand
{
    public static async Task<int> ExecuteAsync(Arguments arguments, CancellationToken token)
    {
        var common = CommonOptions.Read(arguments);
        var otherwise = new DamageOptions(common.Program);
        var options = otherwise with
        {
            Images = arguments.Count("images", otherwise.Images),
            Wounds = arguments.Count("wounds", otherwise.Wounds),
            Pullers = arguments.Count("pullers", otherwise.Pullers),
            LayerBytes = (int)arguments.Size("layer", otherwise.LayerBytes),
            Sweep = arguments.Duration("sweep", otherwise.Sweep),
            Period = arguments.Duration("period", otherwise.Period),
            Seed = common.Seed,
            Parent = common.Folder,
            Keep = common.Keep,
            Say = CommonOptions.Say,
        };
        arguments.RefuseUnread();
        CommonOptions.Say($"damage drill on {options.Images} images, seed {options.Seed}");
        var result = await new DamageDrill(options).RunAsync(token);
        return Output.Print(result, common.Json, result.Faults);
    }
}
