using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Holdfast.Oci;

namespace Holdfast.Server.Http;

/// <summary>The access log's two forms. Whatever a client sends, a request is one line: control characters, quotes and backslashes are escaped.</summary>
internal static class AccessLogFormat
{
    // A target can be as long as the header limit allows; what comes after this tells nobody anything.
    private const int MaxTextLength = 1024;

    private const string TimeFormat = "yyyy-MM-dd'T'HH:mm:ss.fff'Z'";

    private static readonly SearchValues<char> Plain =
        SearchValues.Create("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~:/?#[]@!$&'()*+,;=%{}|^`<> ");

    public static void Append(StringBuilder lines, AccessLogLine line, bool json)
    {
        if (json)
            AppendJson(lines, line);
        else
            AppendText(lines, line);
        lines.Append('\n');
    }

    private static string Stamp(DateTimeOffset time) => time.UtcDateTime.ToString(TimeFormat, CultureInfo.InvariantCulture);

    private static void AppendText(StringBuilder lines, AccessLogLine line)
    {
        lines.Append(Stamp(line.Time)).Append(' ');
        if (line is DroppedLines dropped)
            lines.Append(CultureInfo.InvariantCulture, $"access log: {Counted.Of(dropped.Count, "line")} left out");
        else if (line is AccessLogEntry entry)
            AppendRequest(lines, entry);
    }

    private static void AppendRequest(StringBuilder lines, AccessLogEntry entry)
    {
        lines.Append(CultureInfo.InvariantCulture, $"{entry.RequestId} {entry.Remote?.ToString() ?? "-"} ");
        AppendEscaped(lines, entry.User ?? "-", quoted: false);
        lines.Append(CultureInfo.InvariantCulture, $" {entry.Registry} {entry.Route} {entry.Status} ");
        lines.Append(entry.ErrorCode ?? "-").Append(' ');
        AppendEscaped(lines, entry.Method, quoted: false);
        lines.Append(' ');
        AppendEscaped(lines, entry.Target, quoted: false);
        lines.Append(CultureInfo.InvariantCulture, $" in={entry.BytesIn} out={entry.BytesOut} ms={entry.Duration.TotalMilliseconds:0.###} ");
        lines.Append(entry.Cut ? "cut " : "");
        AppendEscaped(lines, entry.UserAgent, quoted: true);
    }

    private static void AppendEscaped(StringBuilder lines, string text, bool quoted)
    {
        var shown = text.AsSpan(0, Math.Min(text.Length, MaxTextLength));
        if (quoted)
            lines.Append('"');
        if (!shown.ContainsAnyExcept(Plain) && (quoted || !shown.Contains(' ')))
            lines.Append(shown);
        else
        {
            foreach (var c in shown)
            {
                if (Plain.Contains(c) && (quoted || c != ' '))
                    lines.Append(c);
                else
                    lines.Append(CultureInfo.InvariantCulture, $"\\u{(int)c:x4}");
            }
        }

        lines.Append(shown.Length < text.Length ? "..." : "").Append(quoted ? "\"" : "");
    }

    private static void AppendJson(StringBuilder lines, AccessLogLine line)
    {
        var buffer = new ArrayBufferWriter<byte>(512);
        using (var json = new Utf8JsonWriter(buffer, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            json.WriteStartObject();
            json.WriteString("time", Stamp(line.Time));
            if (line is DroppedLines dropped)
            {
                json.WriteString("event", "access_lines_dropped");
                json.WriteNumber("lines", dropped.Count);
            }
            else if (line is AccessLogEntry entry)
            {
                WriteRequest(json, entry);
            }

            json.WriteEndObject();
        }

        lines.Append(Encoding.UTF8.GetString(buffer.WrittenSpan));
    }

    private static void WriteRequest(Utf8JsonWriter json, AccessLogEntry entry)
    {
        json.WriteString("event", "request");
        json.WriteString("id", entry.RequestId);
        json.WriteString("remote", entry.Remote?.ToString());
        json.WriteString("user", entry.User);
        json.WriteString("method", Shortened(entry.Method));
        json.WriteString("path", Shortened(entry.Target));
        json.WriteString("registry", entry.Registry);
        json.WriteString("route", entry.Route);
        json.WriteString("repository", Shortened(entry.Repository));
        json.WriteNumber("status", entry.Status);
        json.WriteString("code", entry.ErrorCode);
        json.WriteNumber("bytesIn", entry.BytesIn);
        json.WriteNumber("bytesOut", entry.BytesOut);
        json.WriteNumber("durationMs", Math.Round(entry.Duration.TotalMilliseconds, 3));
        json.WriteString("userAgent", Shortened(entry.UserAgent));
        if (entry.Cut)
            json.WriteBoolean("cut", true);
    }

    private static ReadOnlySpan<char> Shortened(string text) => text.AsSpan(0, Math.Min(text.Length, MaxTextLength));
}
