using System.Diagnostics;
using Holdfast.Load.Http;
using Holdfast.Load.Measure;
using Holdfast.Load.Report;
using Holdfast.Load.Run;

namespace Holdfast.Load.Commands;

/// <summary>Starts a server, times its first 200, reads its memory at rest and after a few requests, and stops it with SIGTERM.</summary>
internal static class StartCommand
{
    private const int TimeoutSeconds = 60;
    private const int FewRequests = 20;

    public static int Execute(Arguments arguments)
    {
        var target = RunOptions.TargetFrom(arguments);
        var settle = arguments.Duration("settle", TimeSpan.FromSeconds(3));
        var json = arguments.Has("json");
        var record = RecordTarget.Read(arguments);
        arguments.RefuseUnread();
        if (arguments.Rest is not [var program, .. var rest])
            throw new UsageException("start needs the server's command after --");

        var start = Stopwatch.GetTimestamp();
        using var server = Process.Start(new ProcessStartInfo(program, rest) { UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true })
            ?? throw new UsageException($"'{program}' did not start");
        server.OutputDataReceived += (_, _) => { };
        server.ErrorDataReceived += (_, line) => Console.Error.WriteLine(line.Data);
        server.BeginOutputReadLine();
        server.BeginErrorReadLine();
        try
        {
            var metrics = Measure(target, server, start, settle);
            record?.Append(metrics, 0);
            Console.WriteLine(json ? Json.Write(metrics) : string.Join('\n', metrics.Select(metric => $"{metric.Key,-22} {metric.Value}")));
            return 0;
        }
        finally
        {
            Stop(server);
        }
    }

    private static Dictionary<string, double> Measure(Target target, Process server, long start, TimeSpan settle)
    {
        var request = target.Head("GET", "/v2/");
        using var connection = new Connection(target);
        while (!Answers(connection, request))
        {
            if (server.HasExited || Stopwatch.GetElapsedTime(start).TotalSeconds > TimeoutSeconds)
                throw new RequestFailedException("the server gave no 200 for /v2/");
            Thread.Sleep(1);
        }

        var first = Stopwatch.GetElapsedTime(start).TotalSeconds;
        var processes = new ServerProcesses([server.Id]);
        // The waiting is the measurement: memory is read that long after the first answer, and again after some requests.
        Thread.Sleep(settle);
        var idle = processes.ResidentBytes();
        for (var i = 0; i < FewRequests; i++)
            Answers(connection, request);
        Thread.Sleep(settle);
        return new(StringComparer.Ordinal)
        {
            ["firstAnswerSeconds"] = first,
            ["idleBytes"] = idle,
            ["usedBytes"] = processes.ResidentBytes(),
            ["startPeakBytes"] = processes.PeakBytes(),
        };
    }

    private static bool Answers(Connection connection, byte[] request)
    {
        try
        {
            return connection.Exchange(request).Status == 200;
        }
        catch (RequestFailedException)
        {
            return false;
        }
    }

    private static void Stop(Process server)
    {
        if (server.HasExited)
            return;
        using var kill = Process.Start("kill", [server.Id.ToString(System.Globalization.CultureInfo.InvariantCulture)]);
        kill.WaitForExit();
        if (!server.WaitForExit(TimeSpan.FromSeconds(TimeoutSeconds)))
            server.Kill(entireProcessTree: true);
    }
}
