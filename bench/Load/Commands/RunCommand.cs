using Holdfast.Load.Report;
using Holdfast.Load.Run;

namespace Holdfast.Load.Commands;

internal static class RunCommand
{
    public static int Execute(Arguments arguments)
    {
        var options = RunOptions.Read(arguments);
        var json = arguments.Has("json");
        var record = RecordTarget.Read(arguments);
        arguments.RefuseUnread();

        var result = Measurement.Take(options);
        record?.Append(result.Metrics(), result.Errors.Values.Sum());
        Console.Out.Write(json ? Json.Write(result) + "\n" : result.ToText());
        return result.Errors.Count == 0 ? 0 : 1;
    }
}
