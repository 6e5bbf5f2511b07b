
namespace Holdfast.Drill.Commands;

/// <summary>What every drill is told.</summary>
internal sealed record CommonOptions(string Program, string? Folder, int Seed, bool Keep, bool Json)
{
    public static CommonOptions Read(Arguments arguments) => new(
        arguments.Text("holdfast") ?? "artifacts/holdfast/holdfast", arguments.Text("folder"),
        arguments.Count("seed", Environment.TickCount & 0xFFFF), arguments.Has("keep"), arguments.Has("json"));

    public static void Say(string line) => Console.Error.WriteLine($"{TimeOnly.FromDateTime(DateTime.Now):HH:mm:ss} {line}");
}
