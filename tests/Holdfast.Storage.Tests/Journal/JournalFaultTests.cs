using System.Diagnostics;
using Holdfast.Storage.Blobs;
using Holdfast.Storage.Journal;
using Holdfast.Storage.Metadata;
using Holdfast.Storage.Sqlite;
using Holdfast.Testing;
using Shouldly;
using Xunit;

namespace Holdfast.Storage.Tests.Journal;

/// <summary>What can't be written down isn't committed, and the other way round.</summary>
public sealed class JournalFaultTests : IAsyncLifetime
{
    private readonly JournaledStore _store = new();

    public async ValueTask InitializeAsync() => await _store.OpenAsync();

    public ValueTask DisposeAsync() => _store.DisposeAsync();

    [Fact]
    public async Task Write_ChangeThatThrows_IsNotInTheJournal()
    {
        await _store.PushImageAsync("a", "latest");
        var before = await _store.DumpAsync();
        var good = _store.PushBlobAsync("good");
        await Should.ThrowAsync<InvalidDataException>(_store.ChangeAsync<int>(session =>
        {
            Tags.Delete(session, _store.App, Oci.Tag.Parse("latest"), JournaledStore.Deletion(1), 1);
            throw new InvalidDataException();
        }));
        await good;
        var after = await _store.DumpAsync();
        after.Count.ShouldBe(before.Count + 2);
        await _store.CloseAsync();
        File.Delete(_store.DatabaseFile);
        await _store.OpenAsync();
        (await _store.DumpAsync()).ShouldBe(after);
    }

    [Fact]
    public async Task Write_CommitThatFails_IsTakenOutOfTheJournal()
    {
        await _store.PushImageAsync("a", "latest");
        var before = await _store.DumpAsync();
        // A deferred foreign key is only looked at by the commit.
        await Should.ThrowAsync<Exception>(_store.ChangeAsync(session =>
        {
            session.Execute("PRAGMA defer_foreign_keys = ON");
            Tags.Delete(session, _store.App, Oci.Tag.Parse("latest"), JournaledStore.Deletion(1), 1);
            session.Execute("DELETE FROM blobs");
            return 0;
        }));
        (await _store.DumpAsync()).ShouldBe(before);
        JournalScan.Read(_store.Journal).Last.ShouldBe(3);
        await _store.PushImageAsync("b", "v2");
        var after = await _store.DumpAsync();
        await _store.CloseAsync();
        File.Delete(_store.DatabaseFile);
        (await _store.OpenAsync()).Rebuilt.ShouldNotBeNull().IsComplete.ShouldBeTrue();
        (await _store.DumpAsync()).ShouldBe(after);
    }

    [Fact, Promise("P10")]
    public async Task Write_NoRoomForTheJournal_FailsTheChangeAloneAndGoesOnOnceThereIs()
    {
        await _store.PushImageAsync("a", "latest");
        await _store.CloseAsync();
        using var disk = new SmallDisk(_store.Journal);
        Assert.SkipUnless(disk.IsMounted, "needs root (or the right to mount a tmpfs)");
        await _store.OpenAsync();
        await _store.PushImageAsync("b", "v2");
        var before = await _store.DumpAsync();
        disk.Fill();
        await _store.PushImageAsync("d", "v4"); // What is set aside is for this.
        before = await _store.DumpAsync();
        await Should.ThrowAsync<StoreFullException>(async () =>
        {
            for (var i = 0; i < 20; i++)
            {
                await _store.ChangeAsync(session => LinkMany(session, i));
                before = await _store.DumpAsync();
            }
        });
        (await _store.DumpAsync()).ShouldBe(before);
        disk.Empty();
        await _store.PushImageAsync("c", "v3");
        var after = await _store.DumpAsync();
        await _store.CloseAsync();
        File.Delete(_store.DatabaseFile);
        (await _store.OpenAsync()).Rebuilt.ShouldNotBeNull().Refused.ShouldBeEmpty();
        (await _store.DumpAsync()).ShouldBe(after);
        await _store.CloseAsync();
    }

    // Half a megabyte of lines.
    private int LinkMany(MetadataSession session, int number)
    {
        for (var i = 0; i < 2000; i++)
        {
            var digest = Oci.Digest.Compute(Oci.DigestAlgorithm.Sha256, BitConverter.GetBytes((number * 2000) + i));
            BlobLinks.Add(session, _store.App, new StoredBlob(digest, 1, 1), 1);
        }
        return number;
    }

    [Fact, Promise("P10")]
    public async Task Keeper_JournalGrown_CutsItBesideTrafficAndNothingIsLost()
    {
        await _store.CloseAsync();
        foreach (var file in Directory.GetFiles(_store.Journal))
            File.Delete(file);
        var small = JournalWriter.Open(_store.Journal, ReadStore(), 0, null, segmentBytes: 20_000);
        var data = FileSystem.DataFolder.Open(_store.Path);
        await using (var database = SqliteMetadataDatabase.Open(data, small, TimeProvider.System, maxJournalBytes: 60_000))
        {
            for (var i = 0; i < 2000; i++)
                await database.WriteAsync(i, (session, n) => Retag(session, n), CancellationToken.None);
        }
        data.Dispose();
        JournalFolder.List(_store.Journal, JournalFolder.Snapshot).ShouldHaveSingleItem();
        Directory.GetFiles(_store.Journal).Sum(file => new FileInfo(file).Length).ShouldBeLessThan(120_000);
        await _store.OpenAsync();
        var before = await _store.DumpAsync();
        await _store.CloseAsync();
        File.Delete(_store.DatabaseFile);
        (await _store.OpenAsync()).Rebuilt.ShouldNotBeNull();
        (await _store.DumpAsync()).ShouldBe(before);
    }

    // The next start may carry out the change that was refused, whatever it needs: nothing may have been taken away from under it.
    [Fact, Promise("P3")]
    public async Task Write_WhileTheJournalIsClosed_TakesNothingNotEvenWhatNeedsNoJournal()
    {
        await _store.PushImageAsync("a", "latest");
        await _store.CloseAsync();
        var files = new FaultyJournalFiles(_store.Journal);
        var position = ReadPosition();
        var journal = JournalWriter.Open(files, position.Store, position.Sequence, JournalScan.Read(_store.Journal).Tail, JournalWriter.SegmentBytes);
        var data = FileSystem.DataFolder.Open(_store.Path);
        await using (var database = SqliteMetadataDatabase.Open(data, journal, TimeProvider.System, maxJournalBytes: 1 << 20))
        {
            (files.FailsCuts, files.FailsSyncs) = (true, true);
            await Should.ThrowAsync<IOException>(database.WriteAsync(1, Retag, CancellationToken.None));
            files.FailsSyncs = false;
            var refused = await Should.ThrowAsync<StoreUnwritableException>(database.WriteAsync(0, static (session, _) => session.Prepare("DELETE FROM uploads").Execute(), CancellationToken.None));
            refused.Message.ShouldContain("journal is closed");
        }
        data.Dispose();
        await _store.OpenAsync();
        await _store.PushImageAsync("b", "v2");
        var after = await _store.DumpAsync();
        await _store.CloseAsync();
        File.Delete(_store.DatabaseFile);
        (await _store.OpenAsync()).Rebuilt.ShouldNotBeNull().Refused.ShouldBeEmpty();
        (await _store.DumpAsync()).ShouldBe(after);
    }

    private string ReadStore() => ReadPosition().Store;

    private JournalPosition ReadPosition()
    {
        using var session = SqliteConnections.OpenReader(_store.DatabaseFile);
        return JournalPosition.Find(session)!;
    }

    private int Retag(MetadataSession session, int n)
    {
        var put = new StoredBlob(Oci.Digest.Compute(Oci.DigestAlgorithm.Sha256, [(byte)(n % 7)]), 1, 1);
        BlobLinks.Add(session, _store.App, put, n);
        BlobLinks.Remove(session, _store.App, put.Digest, JournaledStore.Deletion(n), n);
        return n;
    }

    /// <summary>8 MiB in place of a folder, what lies there carried over.</summary>
    private sealed class SmallDisk : IDisposable
    {
        private readonly string _folder;

        public SmallDisk(string folder)
        {
            _folder = folder;
            var files = Directory.GetFiles(folder).ToDictionary(file => file, File.ReadAllBytes, StringComparer.Ordinal);
            IsMounted = Run("mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", folder);
            foreach (var (file, bytes) in files)
                File.WriteAllBytes(file, bytes);
        }

        public bool IsMounted { get; }

        private string Ballast => Path.Combine(_folder, "ballast");

        public void Fill() => Should.Throw<IOException>(() => File.WriteAllBytes(Ballast, new byte[16 << 20]));

        public void Empty() => File.Delete(Ballast);

        public void Dispose()
        {
            if (IsMounted)
                Run("umount", "-l", _folder);
        }

        private static bool Run(string program, params string[] arguments)
        {
            using var process = Process.Start(new ProcessStartInfo(program, arguments) { UseShellExecute = false, RedirectStandardError = true });
            process!.WaitForExit();
            return process.ExitCode == 0;
        }
    }
}
