using System.Runtime.InteropServices;
using Holdfast.Drill;
using Holdfast.Drill.Commands;

using var stop = new CancellationTokenSource();
// Ended in order, so that no server is left behind.
using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
try
{
    return args switch
    {
        ["help" or "--help" or "-h", ..] or [_, "--help" or "-h"] => DrillUsage.Print(0),
        ["crash", .. var rest] => await CrashCommand.ExecuteAsync(new Arguments(rest), stop.Token),
        ["peers", .. var rest] => await PeersCommand.ExecuteAsync(new Arguments(rest), stop.Token),
        ["race", .. var rest] => await RaceCommand.ExecuteAsync(new Arguments(rest), stop.Token),
        ["damage", .. var rest] => await DamageCommand.ExecuteAsync(new Arguments(rest), stop.Token),
        ["database", .. var rest] => await DatabaseCommand.ExecuteAsync(new Arguments(rest), stop.Token),
        _ => DrillUsage.Print(2),
    };
}
catch (Exception e) when (e is UsageException or DrillException)
{
    Console.Error.WriteLine($"drill: {e.Message}");
    return 2;
}
catch (OperationCanceledException) when (stop.IsCancellationRequested)
{
    Console.Error.WriteLine("drill: stopped");
    return 2;
}

void Stop(PosixSignalContext signal)
{
    signal.Cancel = true;
    stop.Cancel();
}
