using System.Collections.Concurrent;
using Holdfast.Commands;
using Holdfast.Oci;
using Holdfast.Storage.Metadata;
using Microsoft.Extensions.Logging;
using Shouldly;
using Xunit;

namespace Holdfast.Tests.Commands;

public sealed class StoresTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("holdfast-test-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Open_AfterACrash_RemovesWhatNobodyKnowsOrIsTooOldAndReportsIt()
    {
        var kept = Guid.NewGuid();
        await using (var stores = await OpenAsync(new LogLines()))
        {
            await AddUploadAsync(stores, Guid.NewGuid(), DateTimeOffset.UtcNow.AddHours(-25));
            await AddUploadAsync(stores, kept, DateTimeOffset.UtcNow.AddHours(-25));
        }
        await WriteUploadAsync(kept, 20); // Touched now.
        await WriteUploadAsync(Guid.NewGuid(), 30);

        var log = new LogLines();
        await using (await OpenAsync(log))
            Directory.GetFiles(Path.Combine(_folder, "uploads")).Select(Path.GetFileName).ShouldBe([kept.ToString()]);
        log.Lines.ShouldBe(
        [
            "Information cleaned up: 1 half-written uploads (30 bytes) that a crash left, 1 expired sessions (0 bytes); 1 sessions can go on",
        ]);
    }

    [Fact]
    public async Task Open_WithNothingToCleanUp_SaysNothing()
    {
        var log = new LogLines();
        await using (await OpenAsync(log))
            log.Lines.ShouldBeEmpty();
    }

    private Task<Stores> OpenAsync(LogLines log) => Stores.OpenAsync(_folder, TimeSpan.FromHours(24), log, CancellationToken.None);

    private static Task<bool> AddUploadAsync(Stores stores, Guid upload, DateTimeOffset started) => stores.Server.Metadata.WriteAsync(
        (upload, started),
        static (session, s) =>
        {
            var key = new RepositoryKey(Registries.Ensure(session, "main"), RepositoryName.Parse("app"));
            Uploads.Add(session, new UploadRow(s.upload, key, DigestAlgorithm.Sha256, s.started));
            return true;
        },
        CancellationToken.None);

    private Task WriteUploadAsync(Guid upload, int sizeBytes) =>
        File.WriteAllBytesAsync(Path.Combine(_folder, "uploads", upload.ToString()), new byte[sizeBytes]);

    private sealed class LogLines : ILoggerFactory, ILogger
    {
        private readonly ConcurrentQueue<string> _lines = new();

        public IReadOnlyCollection<string> Lines => _lines;

        public ILogger CreateLogger(string categoryName) => this;

        public void AddProvider(ILoggerProvider provider) => throw new NotSupportedException();

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            _lines.Enqueue($"{logLevel} {formatter(state, exception)}");

        public void Dispose()
        {
        }
    }
}
