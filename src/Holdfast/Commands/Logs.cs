using Holdfast.Configuration;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Console;

namespace Holdfast.Commands;

/// <summary>Logging to standard error, so that standard output stays for what a command answers.</summary>
internal static class Logs
{
    // ISO 8601 in UTC: sorts as text and compares across machines.
    private const string Timestamp = "yyyy-MM-ddTHH:mm:ss.fffZ ";

    public static ILoggerFactory Create(LogConfiguration configuration) => LoggerFactory.Create(builder =>
    {
        builder.SetMinimumLevel(configuration.Level);
        builder.AddFilter("Microsoft", configuration.Level > LogLevel.Warning ? configuration.Level : LogLevel.Warning);
        builder.AddConsole(console =>
        {
            console.LogToStandardErrorThreshold = LogLevel.Trace;
            console.FormatterName = configuration.Format == LogFormat.Json ? ConsoleFormatterNames.Json : ConsoleFormatterNames.Simple;
        });
        builder.AddSimpleConsole(Simple);
        builder.AddJsonConsole(Json);
        builder.AddConsole(console => console.FormatterName = configuration.Format == LogFormat.Json ? ConsoleFormatterNames.Json : ConsoleFormatterNames.Simple);
    });

    private static void Simple(SimpleConsoleFormatterOptions options)
    {
        options.SingleLine = true;
        options.UseUtcTimestamp = true;
        options.TimestampFormat = Timestamp;
    }

    private static void Json(JsonConsoleFormatterOptions options)
    {
        options.UseUtcTimestamp = true;
        options.TimestampFormat = Timestamp.TrimEnd();
    }
}
