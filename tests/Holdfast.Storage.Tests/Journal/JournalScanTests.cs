using System.Text;
using Holdfast.Oci;
using Holdfast.Storage.Blobs;
using Holdfast.Storage.Journal;
using Holdfast.Storage.Metadata;
using Holdfast.Storage.Sqlite;
using Shouldly;
using Xunit;

namespace Holdfast.Storage.Tests.Journal;

/// <summary>What a reader makes of whole, torn and damaged journals, and the writer of what it left.</summary>
public sealed class JournalScanTests : IDisposable
{
    private const string Store = "00112233445566778899aabbccddeeff";

    private readonly TemporaryFolder _temporary = new();
    private readonly MetadataSession _session;
    private readonly string _folder;
    private readonly int _registry;

    public JournalScanTests()
    {
        _folder = Path.Combine(_temporary.Path, "journal");
        Directory.CreateDirectory(_folder);
        _session = SqliteConnections.OpenWriter(Path.Combine(_temporary.Path, "test.db"));
        SchemaMigrations.Run(_session, SqlDialect.Sqlite);
        _registry = Registries.Ensure(_session, "main");
    }

    public void Dispose()
    {
        _session.Dispose();
        _temporary.Dispose();
    }

    [Fact]
    public void Read_TornAtAnyByte_HasAllWholeChangesAndGoesOnAfterThem()
    {
        using (var writer = JournalWriter.Open(_folder, Store, 0, null))
        {
            for (var i = 0; i < 3; i++)
                Write(writer, 1 + i);
        }
        var whole = File.ReadAllBytes(Segment(1));
        for (var length = 0; length <= whole.Length; length++)
        {
            File.WriteAllBytes(Segment(1), whole[..length]);
            var expected = Encoding.ASCII.GetString(whole, 0, length).Count(c => c == '\n') - 1;
            var scan = JournalScan.Read(_folder);
            scan.Damage.ShouldBeEmpty($"{length} bytes");
            scan.Last.ShouldBe(Math.Max(expected, 0), $"{length} bytes");

            using var writer = JournalWriter.Open(_folder, scan.Store ?? Store, scan.Last, scan.Tail);
            Write(writer, 1);
            var again = JournalScan.Read(_folder);
            again.IsWhole.ShouldBeTrue($"{length} bytes: {string.Join(';', again.Damage)}");
            again.Last.ShouldBe(scan.Last + 1);
            again.ReadChanges(0).Select(change => change.Sequence).ShouldBe(Enumerable.Range(1, (int)again.Last).Select(i => (long)i));
        }
    }

    [Fact]
    public void Read_AnyByteFlipped_SeesItOrTakesItForATornEnd()
    {
        using (var writer = JournalWriter.Open(_folder, Store, 0, null))
        {
            for (var i = 0; i < 4; i++)
                Write(writer, 1);
        }
        var whole = File.ReadAllBytes(Segment(1));
        var lastLine = whole.AsSpan(0, whole.Length - 1).LastIndexOf((byte)'\n') + 1;
        for (var i = 0; i < whole.Length; i++)
        {
            var flipped = (byte[])whole.Clone();
            flipped[i] ^= 0x10;
            File.WriteAllBytes(Segment(1), flipped);
            var scan = JournalScan.Read(_folder);
            // Without the newline between them, the last two lines are one that is torn.
            if (i >= lastLine - 1)
                (scan.Last, scan.IsWhole).ShouldBe((i < lastLine ? 2 : 3, true), $"byte {i}");
            else
                scan.IsWhole.ShouldBeFalse($"byte {i}");
        }
    }

    [Fact]
    public void Read_OneWriteTornInItsMiddle_IsACrashAndNoDamage()
    {
        using (var writer = JournalWriter.Open(_folder, Store, 0, null))
        {
            Write(writer, 1);
            Write(writer, 5);
        }
        BlankLine(4); // The disk wrote the end of it before its middle.
        var scan = JournalScan.Read(_folder);
        scan.Damage.ShouldBeEmpty();
        scan.Last.ShouldBe(3);
        JournalScan.TryFindTail(_folder, Store, 6).ShouldNotBeNull("a start looks at the end alone; the database has all six, so they were synced");
    }

    [Fact]
    public void Read_DamagedBeforeALaterWrite_NamesWhatIsLost()
    {
        using (var writer = JournalWriter.Open(_folder, Store, 0, null))
        {
            Write(writer, 1);
            Write(writer, 3);
            Write(writer, 1);
        }
        BlankLine(3);
        var scan = JournalScan.Read(_folder);
        scan.Damage.ShouldContain("changes 3 to 4 are lost");
        scan.ReadChanges(0).Select(change => change.Sequence).ShouldContain(5);
    }

    [Fact]
    public void Read_SegmentMissing_NamesWhatIsLost()
    {
        using (var writer = JournalWriter.Open(_folder, Store, 0, null, segmentBytes: 500))
        {
            for (var i = 0; i < 9; i++)
                Write(writer, 1);
        }
        var segments = JournalFolder.List(_folder, JournalFolder.Segment);
        segments.Count.ShouldBeGreaterThan(2);
        JournalScan.Read(_folder).IsWhole.ShouldBeTrue();
        File.Delete(segments[1].Path);
        JournalScan.Read(_folder).Damage.ShouldHaveSingleItem().ShouldContain($"{segments[1].Sequence}");
    }

    [Fact]
    public void TakeBack_OfTheLastWrite_LeavesTheJournalAsBefore()
    {
        using var writer = JournalWriter.Open(_folder, Store, 0, null);
        Write(writer, 2);
        var before = File.ReadAllBytes(Segment(1));
        Write(writer, 3);
        writer.TakeBack();
        File.ReadAllBytes(Segment(1)).ShouldBe(before);
        Write(writer, 1);
        var scan = JournalScan.Read(_folder);
        (scan.Last, scan.IsWhole).ShouldBe((3, true));
    }

    [Fact]
    public void Write_WhereAFailedOneCanNotBeTakenOut_IsRefusedUntilItCan()
    {
        var files = new FaultyJournalFiles(_folder);
        using var writer = JournalWriter.Open(files, Store, 0, null, JournalWriter.SegmentBytes);
        Write(writer, 2);
        var before = File.ReadAllBytes(Segment(1));
        (files.FailsWrites, files.FailsCuts) = (true, true);
        Should.Throw<IOException>(() => Write(writer, 1)).ShouldNotBeOfType<StoreUnwritableException>();
        writer.Forget();
        files.FailsWrites = false;
        Should.Throw<StoreUnwritableException>(writer.ThrowIfClosed).Message.ShouldStartWith("the journal is closed");
        File.ReadAllBytes(Segment(1)).Length.ShouldBeGreaterThan(before.Length, "half of it stands there");

        files.FailsCuts = false;
        writer.ThrowIfClosed();
        File.ReadAllBytes(Segment(1)).ShouldBe(before);
        Write(writer, 1);
        var scan = JournalScan.Read(_folder);
        (scan.Last, scan.IsWhole).ShouldBe((3, true));
    }

    [Fact]
    public void TryRead_LineOfALaterProgram_SaysSoInsteadOfLosingIt()
    {
        using (JournalWriter.Open(_folder, Store, 0, null))
        {
        }
        using var buffer = new JournalBuffer();
        var json = buffer.BeginLine();
        json.WriteStartObject();
        json.WriteString("store", Store);
        json.WriteNumber("version", 2);
        json.WriteEndObject();
        buffer.EndLine();
        File.WriteAllBytes(Segment(1), buffer.Bytes.ToArray());
        Should.Throw<FormatException>(() => JournalScan.Read(_folder)).Message.ShouldContain("version 2");
    }

    // A name that was made is there, synced or not: what follows in the old segment would stand before it, and a torn end there is no end.
    [Fact]
    public void Write_NewSegmentCouldNotBeBegun_NothingFollowsInTheOldOne()
    {
        var files = new FaultyJournalFiles(_folder);
        using var writer = JournalWriter.Open(files, Store, 0, null, segmentBytes: 1_000);
        Write(writer, 3);
        files.FailsNames = true;
        Should.Throw<IOException>(() => Write(writer, 3));
        writer.Forget();
        File.Exists(Segment(4)).ShouldBeTrue();
        var before = File.ReadAllBytes(Segment(1));
        files.FailsNames = false;
        Write(writer, 1);
        File.ReadAllBytes(Segment(1)).ShouldBe(before);
        JournalScan.TryFindTail(_folder, Store, 4)!.Path.ShouldBe(Segment(4));
    }

    private void Write(JournalWriter writer, int changes)
    {
        for (var i = 0; i < changes; i++)
        {
            var digest = Digest.Compute(DigestAlgorithm.Sha256, Encoding.ASCII.GetBytes($"{writer.LastAdded}"));
            writer.Add(_session, [new JournalEvent(JournalOperation.Link, new RepositoryKey(_registry, RepositoryName.Parse("a")), digest, 5) { SizeBytes = 1 }]);
        }
        writer.Write();
    }

    private void BlankLine(int number)
    {
        var lines = File.ReadAllText(Segment(1)).Split('\n');
        lines[number] = new string('\0', lines[number].Length);
        File.WriteAllText(Segment(1), string.Join('\n', lines));
    }

    private string Segment(long first) => JournalFolder.PathOf(_folder, first, JournalFolder.Segment);
}
