using Holdfast.Oci;
using Holdfast.Storage.Metadata;
using Holdfast.Storage.Sqlite;
using Holdfast.Testing;
using Shouldly;
using Xunit;

namespace Holdfast.Storage.Tests.Journal;

/// <summary>An older holdfast.db beside the write-ahead log of a newer one: SQLite would mix the two.</summary>
public sealed class LogMatchTests : IAsyncLifetime
{
    private static readonly CancellationToken None = CancellationToken.None;

    private readonly JournaledStore _store = new();

    public async ValueTask InitializeAsync() => await _store.OpenAsync();

    public ValueTask DisposeAsync() => _store.DisposeAsync();

    [Theory, Promise("P1")]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Start_OlderCopyUnderANewerLog_SetsTheLogAsideAndLosesNothing(bool byRename)
    {
        await PushManyAsync("a", 3);
        await _store.CloseAsync();
        var copy = _store.InFolder("copy");
        File.Copy(_store.DatabaseFile, copy);
        await _store.OpenAsync();
        await PushManyAsync("b", 30);
        await _store.DeleteTagAsync("a-1");
        var before = await _store.DumpAsync();
        await _store.KillAsync();
        new FileInfo(_store.DatabaseFile + "-wal").Length.ShouldBeGreaterThan(100_000);
        if (byRename)
            File.Move(copy, _store.DatabaseFile, overwrite: true);
        else
            File.Copy(copy, _store.DatabaseFile, overwrite: true);

        LogMatch.Belongs(_store.DatabaseFile).ShouldBeFalse();
        var findings = await _store.OpenAsync();
        findings.Warnings.ShouldContain(warning => warning.StartsWith("the write-ahead log beside holdfast.db belonged to another state"));
        findings.Replayed.ShouldBe(91);
        (await _store.DumpAsync()).ShouldBe(before);
        Directory.GetFiles(_store.Quarantine, "holdfast.db-wal.*").ShouldHaveSingleItem();
        await ShouldBeSoundAsync();
    }

    [Fact]
    public async Task Start_CopyMadeByVacuumUnderTheLog_SetsTheLogAside()
    {
        await PushManyAsync("a", 10);
        var copy = _store.InFolder("copy");
        await _store.QueryAsync(session => Vacuum(session, copy));
        await PushManyAsync("b", 3);
        var before = await _store.DumpAsync();
        await _store.KillAsync();
        File.Move(copy, _store.DatabaseFile, overwrite: true);

        LogMatch.Belongs(_store.DatabaseFile).ShouldBeFalse();
        await _store.OpenAsync();
        (await _store.DumpAsync()).ShouldBe(before);
        await ShouldBeSoundAsync();
    }

    [Fact]
    public async Task Start_AfterAKill_KeepsTheLog()
    {
        for (var round = 0; round < 3; round++)
        {
            await PushManyAsync($"round-{round}", 5);
            var before = await _store.DumpAsync();
            await _store.KillAsync();
            LogMatch.Belongs(_store.DatabaseFile).ShouldBeTrue();
            (await _store.OpenAsync()).Warnings.ShouldBeEmpty();
            (await _store.DumpAsync()).ShouldBe(before);
        }
    }

    [Theory]
    [InlineData("PASSIVE")]
    [InlineData("RESTART")]
    public async Task Start_AfterACheckpointAndAKill_KeepsTheLog(string checkpoint)
    {
        await PushManyAsync("a", 5);
        await CheckpointAsync($"PRAGMA wal_checkpoint({checkpoint})");
        await PushManyAsync("b", 2);
        var before = await _store.DumpAsync();
        await _store.KillAsync();
        LogMatch.Belongs(_store.DatabaseFile).ShouldBeTrue();
        (await _store.OpenAsync()).Warnings.ShouldBeEmpty();
        (await _store.DumpAsync()).ShouldBe(before);
    }

    [Fact]
    public async Task Belongs_AfterALogThatBeganAgain_ComparesWithItsFirstCommitOnly()
    {
        await PushManyAsync("a", 5);
        await _store.KillAsync();
        var older = await File.ReadAllBytesAsync(_store.DatabaseFile, None);
        await _store.OpenAsync();
        await PushManyAsync("b", 20);
        await BeginLogAgainAsync();
        await _store.KillAsync();
        // A change of the server's own may have been under way, and have begun the log once more: with a header, and nothing behind it yet.
        while (!await HasFramesAsync())
        {
            await _store.OpenAsync();
            await BeginLogAgainAsync();
            await _store.KillAsync();
        }
        LogMatch.Belongs(_store.DatabaseFile).ShouldBeTrue();
        await File.WriteAllBytesAsync(_store.DatabaseFile, older, None);
        LogMatch.Belongs(_store.DatabaseFile).ShouldBeFalse();
        await _store.OpenAsync();
    }

    // Over the first frames; the old ones still follow. A reader that looks at the log just then makes the writer go on behind them.
    private async Task BeginLogAgainAsync()
    {
        var before = await ReadLogHeaderAsync();
        for (var tries = 0; await ReadLogHeaderAsync() is var now && now.SequenceEqual(before); tries++)
        {
            tries.ShouldBeLessThan(100, "the log doesn't begin again");
            await CheckpointAsync("PRAGMA wal_checkpoint(RESTART)");
            await PushManyAsync($"c{tries}", 1);
        }
    }

    // A frame that counts has both numbers of the header (sqlite.org/fileformat2.html, "WAL File Format").
    private async Task<bool> HasFramesAsync()
    {
        var begin = await ReadLogHeaderAsync(56);
        return begin.AsSpan(32 + 8, 8).SequenceEqual(begin.AsSpan(16, 8));
    }

    private async Task<byte[]> ReadLogHeaderAsync(int bytes = 32)
    {
        var header = new byte[bytes];
        await using var log = new FileStream(_store.DatabaseFile + "-wal", FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        await log.ReadExactlyAsync(header, None);
        return header;
    }

    private async Task PushManyAsync(string name, int count)
    {
        for (var i = 0; i < count; i++)
            await _store.PushImageAsync($"{name}-{i}", $"{name}-{i}");
    }

    private static int Vacuum(MetadataSession session, string copy)
    {
        session.Execute("PRAGMA query_only = OFF");
        session.Execute($"VACUUM INTO '{copy}'");
        return 0;
    }

    // A reader of the server's own may be in its way for a moment; the log then doesn't begin again.
    private async Task CheckpointAsync(string sql)
    {
        using var poll = new PeriodicTimer(TimeSpan.FromMilliseconds(20));
        for (var tries = 0; await _store.QueryAsync(session => Checkpoint(session, sql)) != 0; tries++)
        {
            tries.ShouldBeLessThan(500, "the checkpoint stays busy");
            await poll.WaitForNextTickAsync(None);
        }
    }

    private static long Checkpoint(MetadataSession session, string sql)
    {
        session.Execute("PRAGMA query_only = OFF");
        using var statement = new Statement(session.Connection, sql);
        return statement.QueryLong() ?? 0;
    }

    private Task<int> ShouldBeSoundAsync() => _store.ChangeAsync(session =>
    {
        using var rows = session.Prepare("PRAGMA integrity_check").Query();
        rows.Read();
        rows.Text(0).ShouldBe("ok");
        return 0;
    });
}
