using System.Text.Json;
using Holdfast.Oci;
using Holdfast.Storage;
using Holdfast.Storage.Metadata;
using Microsoft.AspNetCore.Http;

namespace Holdfast.Server.Http;

/// <summary>/healthz (the process runs) and /readyz (the stores answer). Neither asks for credentials, nor names anything stored.</summary>
internal sealed class Health(ContentStores stores, TimeProvider time)
{
    // Shorter than any prober's patience, much longer than a store that works needs.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    // Some digest: whether it is there doesn't matter, only that the store can tell.
    private static readonly Digest Absent = Digest.Parse("sha256:" + new string('0', 64));

    private readonly SingleCheck _metadata = new(ct => ReadMetadataAsync(stores.Metadata, ct));
    private readonly SingleCheck _blobs = new(async ct =>
    {
        stores.Blobs.MeasureSpace();
        await stores.Blobs.FindSizeAsync(Absent, ct);
    });

    public Task AnswerAliveAsync(RegistryRequest request) => AnswerAsync(request, StatusCodes.Status200OK, "{\"status\":\"ok\"}"u8.ToArray());

    public async Task AnswerReadyAsync(RegistryRequest request, bool draining)
    {
        var metadata = _metadata.RunAsync(Patience, time);
        var blobs = _blobs.RunAsync(Patience, time);
        var checks = new[] { ("metadata", await metadata), ("blobs", await blobs), ("accepting", draining ? "draining" : "ok") };
        var ready = checks.All(check => check.Item2 == "ok");
        using var body = new MemoryStream();
        await using (var json = new Utf8JsonWriter(body))
        {
            json.WriteStartObject();
            json.WriteString("status", ready ? "ok" : "unavailable");
            json.WriteStartObject("checks");
            foreach (var (name, outcome) in checks)
                json.WriteString(name, outcome);
            json.WriteEndObject();
            json.WriteEndObject();
        }

        await AnswerAsync(request, ready ? StatusCodes.Status200OK : StatusCodes.Status503ServiceUnavailable, body.ToArray());
    }

    private static async Task ReadMetadataAsync(MetadataDatabase metadata, CancellationToken cancellationToken) =>
        await metadata.ReadAsync(
            0,
            static (session, _) =>
            {
                using var command = session.Connection.CreateCommand();
                command.CommandText = "SELECT 1";
                return command.ExecuteScalar() is not null;
            },
            cancellationToken);

    private static async Task AnswerAsync(RegistryRequest request, int status, byte[] body)
    {
        var response = request.Context.Response;
        response.StatusCode = status;
        response.ContentType = "application/json";
        response.Headers.CacheControl = "no-store";
        response.ContentLength = body.Length;
        if (!HttpMethods.IsHead(request.Context.Request.Method))
            await response.BodyWriter.WriteAsync(body, request.Aborted);
    }

    /// <summary>One run of a check at a time: a store that hangs must not gather a waiting call per probe.</summary>
    private sealed class SingleCheck(Func<CancellationToken, Task> check)
    {
        private readonly Lock _lock = new();
        private Task _running = Task.CompletedTask;

        /// <returns>"ok", or in a word why not. The details are for the log, not for anyone who can reach the port.</returns>
        public async Task<string> RunAsync(TimeSpan patience, TimeProvider time)
        {
            Task running;
            lock (_lock)
            {
                if (_running.IsCompleted)
                    _running = StartAsync();
                running = _running;
            }

            try
            {
                await running.WaitAsync(patience, time);
                return "ok";
            }
            catch (TimeoutException)
            {
                return "timeout";
            }
            catch (Exception)
            {
                return "failed";
            }
        }

        private async Task StartAsync()
        {
            // Leaves the lock at once, even if the store works synchronously and hangs.
            await Task.Yield();
            await check(CancellationToken.None);
        }
    }
}
