using System.Text.Json;
using Microsoft.AspNetCore.Http;

namespace Holdfast.Server.Http;

/// <summary>The lines of an answer to long work.</summary>
internal sealed class AdminStream(RegistryRequest request, TimeProvider time)
{
    // As often as a person can read; work may report every object that it looks at.
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(200);

    private long _written;
    private string? _step;
    private int _writing;

    /// <summary>Tells how far the work is. Cheap: most reports are passed over.</summary>
    public async ValueTask ReportAsync(AdminProgress progress)
    {
        var now = time.GetTimestamp();
        if (progress.Step == _step && time.GetElapsedTime(_written, now) < Pause)
            return;
        // Of workers that report at the same time one is enough.
        if (Interlocked.Exchange(ref _writing, 1) != 0)
            return;
        try
        {
            (_written, _step) = (now, progress.Step);
            await WriteAsync(new ProgressLine(progress));
        }
        finally
        {
            Volatile.Write(ref _writing, 0);
        }
    }

    /// <summary>Writes a line of another kind than progress and end: for work whose result comes bit by bit. One at a time.</summary>
    public Task SendAsync<T>(T line) => WriteAsync(line);

    // So that the client knows at once that the work was begun.
    internal Task OpenAsync()
    {
        request.Context.Response.ContentType = AdminJson.StreamType;
        return request.Context.Response.Body.FlushAsync(request.Aborted);
    }

    internal Task EndAsync<TResult>(TResult result) => WriteAsync(new ResultLine<TResult>(result));

    internal Task EndAsync(Outcome outcome, string message)
    {
        request.ErrorCode = Outcomes.Of(outcome).Code;
        return WriteAsync(new ErrorLine(new ErrorText(request.ErrorCode, message)));
    }

    private Task WriteAsync<T>(T line)
    {
        var bytes = JsonSerializer.SerializeToUtf8Bytes(line, AdminJson.Answers);
        Array.Resize(ref bytes, bytes.Length + 1);
        bytes[^1] = (byte)'\n';
        return request.Context.Response.Body.WriteAsync(bytes, request.Aborted).AsTask();
    }

    private sealed record ProgressLine(AdminProgress Progress);

    private sealed record ResultLine<T>(T Result);

    private sealed record ErrorLine(ErrorText Error);

    private sealed record ErrorText(string Code, string Message);
}
