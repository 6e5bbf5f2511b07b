using System.Collections.Concurrent;
using System.Data.Common;
using Holdfast.Storage.Metadata;
using Holdfast.Storage.Sqlite;
using Holdfast.Testing;
using Shouldly;
using Xunit;

namespace Holdfast.Storage.Tests;

/// <summary>What is remembered of the database's answers is what it would answer.</summary>
public sealed class AnswerMemoryTests : IAsyncDisposable
{
    private const long EntryBytes = 100;

    private readonly TemporaryFolder _temporary = new();
    private readonly SqliteMetadataDatabase _database;
    private int _asked;

    public AnswerMemoryTests() => _database = SqliteMetadataDatabase.Open(Path.Combine(_temporary.Path, "holdfast.db"));

    private static CancellationToken None => CancellationToken.None;

    public async ValueTask DisposeAsync()
    {
        await _database.DisposeAsync();
        _temporary.Dispose();
    }

    [Fact]
    public async Task Find_AskedAgain_IsAnsweredFromMemory()
    {
        await SetAsync("a", 1);
        var memory = Remember(_database);
        for (var i = 0; i < 3; i++)
            (await memory.FindAsync("a", None))!.Value.ShouldBe(1);
        _asked.ShouldBe(1);
    }

    [Fact]
    public async Task Find_AfterAChange_IsAnsweredAnewWhateverWasChanged()
    {
        await SetAsync("a", 1);
        var memory = Remember(_database);
        (await memory.FindAsync("a", None))!.Value.ShouldBe(1);
        await SetAsync("b", 1);
        (await memory.FindAsync("a", None))!.Value.ShouldBe(1);
        _asked.ShouldBe(2);
        await SetAsync("a", 2);
        (await memory.FindAsync("a", None))!.Value.ShouldBe(2);
        await ChangeAsync("DELETE FROM checks WHERE name = 'a'");
        (await memory.FindAsync("a", None)).ShouldBeNull();
    }

    [Fact]
    public async Task Find_NoAnswer_IsNotRemembered()
    {
        var memory = Remember(_database);
        (await memory.FindAsync("a", None)).ShouldBeNull();
        (await memory.FindAsync("a", None)).ShouldBeNull();
        _asked.ShouldBe(2);
    }

    [Fact]
    public async Task Find_ChangedDuringTheQuery_IsNotRemembered()
    {
        await SetAsync("a", 1);
        var changes = 1;
        var memory = Remember(_database, afterwards: () =>
        {
            if (changes-- > 0)
                SetAsync("a", 2).GetAwaiter().GetResult();
        });
        (await memory.FindAsync("a", None))!.Value.ShouldBe(1);
        (await memory.FindAsync("a", None))!.Value.ShouldBe(2);
    }

    [Fact]
    public async Task Find_WhileACommitIsUnderWay_AsksTheDatabase()
    {
        await SetAsync("a", 1);
        var telling = new Telling(_database) { Now = new CommittedState(2) };
        var memory = Remember(telling);
        await memory.FindAsync("a", None);
        telling.Now = new CommittedState(3);
        await SetAsync("a", 2);
        (await memory.FindAsync("a", None))!.Value.ShouldBe(2);
        (await memory.FindAsync("a", None))!.Value.ShouldBe(2);
        _asked.ShouldBe(3);
        telling.Now = new CommittedState(4);
        (await memory.FindAsync("a", None))!.Value.ShouldBe(2);
        _asked.ShouldBe(4);
    }

    [Fact]
    public async Task Find_OfADatabaseThatCannotTell_IsNeverRemembered()
    {
        await SetAsync("a", 1);
        var memory = Remember(new Telling(_database) { Now = CommittedState.Unknown });
        await memory.FindAsync("a", None);
        await memory.FindAsync("a", None);
        _asked.ShouldBe(2);
    }

    [Fact, Promise("P10")]
    public async Task Find_OfMoreThanTheLimit_KeepsNoMoreThanTheLimitAndWhatIsInUse()
    {
        const int Entries = 20;
        await ChangeAsync("WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 199) INSERT INTO checks (name, started_at, finished_at, position, detail) SELECT 'k' || i, i, 0, '', '' FROM n");
        var memory = Remember(_database, limitBytes: Entries * EntryBytes);
        for (var i = 0; i < 200; i++)
        {
            (await memory.FindAsync($"k{i}", None))!.Value.ShouldBe(i);
            await memory.FindAsync("k0", None);
        }
        // k0 was asked for once, as all others.
        _asked.ShouldBe(200);
        var kept = 0; // Beside k0.
        for (var i = 199; i >= 0; i--)
        {
            var before = _asked;
            await memory.FindAsync($"k{i}", None);
            if (_asked > before)
                break;
            kept++;
        }
        (kept + 1).ShouldBeInRange(Entries / 2, Entries);
    }

    [Fact, Promise("P4")]
    public async Task Find_BesideAWriter_NeverAnswersWhatIsOlderThanSeenOrAcknowledged()
    {
        const int Changes = 600;
        await SetAsync("a", 0);
        var memory = Remember(_database);
        var known = 0L;
        var wrong = new ConcurrentQueue<string>();
        using var stop = new CancellationTokenSource();
        // One of them asks the database alone, and so sees a commit as soon as that is possible.
        var readers = Enumerable.Range(0, 3).Select(reader => new Thread(() =>
        {
            while (!stop.IsCancellationRequested)
            {
                var atLeast = Volatile.Read(ref known);
                var answer = reader == 0 ? _database.ReadAsync("a", Query, None) : memory.FindAsync("a", None);
                var found = answer.AsTask().GetAwaiter().GetResult()!.Value;
                if (found < atLeast && wrong.Count < 10)
                    wrong.Enqueue($"{found} after {atLeast}");
                Raise(ref known, found);
            }
        })).ToList();
        readers.ForEach(static reader => reader.Start());
        for (var i = 1; i <= Changes; i++)
        {
            await SetAsync("a", i);
            Raise(ref known, i);
        }
        await stop.CancelAsync();
        readers.ForEach(static reader => reader.Join());
        wrong.ShouldBeEmpty();
    }

    [Fact]
    public async Task State_AfterChangesThatFailed_IsAtRest()
    {
        await Should.ThrowAsync<InvalidOperationException>(() => _database.WriteAsync<int, int>(0, static (_, _) => throw new InvalidOperationException(), None));
        _database.State.IsAtRest.ShouldBeTrue();
        // This one fails at the commit itself.
        var before = _database.State;
        await Should.ThrowAsync<DbException>(() => ChangeAsync(
            "PRAGMA defer_foreign_keys = ON; INSERT INTO repositories (registry_id, name, created_at) VALUES (99, 'x', 1)"));
        _database.State.IsAtRest.ShouldBeTrue();
        _database.State.ShouldNotBe(before);
    }

    [Fact]
    public async Task State_OfReadsAlone_StaysWhatItWas()
    {
        await SetAsync("a", 1);
        var before = _database.State;
        await _database.ReadAsync(0, static (db, _) => Checks.List(db), None);
        _database.State.ShouldBe(before);
        before.IsAtRest.ShouldBeTrue();
    }

    private static void Raise(ref long known, long value)
    {
        for (var seen = Volatile.Read(ref known); seen < value;)
        {
            var before = Interlocked.CompareExchange(ref known, value, seen);
            if (before == seen)
                return;
            seen = before;
        }
    }

    private AnswerMemory<string, Answer> Remember(MetadataDatabase database, long limitBytes = 1_000_000, Action? afterwards = null) => new(
        database,
        (session, key) =>
        {
            Interlocked.Increment(ref _asked);
            var answer = Query(session, key);
            afterwards?.Invoke();
            return answer;
        },
        limitBytes,
        static (_, _) => EntryBytes);

    private static Answer? Query(MetadataSession session, string key) =>
        session.Prepare("SELECT started_at FROM checks WHERE name = @name").Set("@name", key).QueryLong() is { } found ? new Answer(found) : null;

    private Task<int> SetAsync(string name, long value) => _database.WriteAsync(
        (name, value),
        static (session, s) => session
            .Prepare("INSERT INTO checks (name, started_at, finished_at, position, detail) VALUES (@name, @value, 0, '', '') ON CONFLICT (name) DO UPDATE SET started_at = excluded.started_at")
            .Set("@name", s.name).Set("@value", s.value).Execute(),
        None);

    private Task<bool> ChangeAsync(string sql) => _database.WriteAsync(
        sql,
        static (session, sql) =>
        {
            session.Execute(sql);
            return true;
        },
        None);

    private sealed record Answer(long Value);

    /// <summary>The same database, with another word on its state.</summary>
    private sealed class Telling(MetadataDatabase inner) : MetadataDatabase
    {
        public CommittedState Now { get; set; }

        public override CommittedState State => Now;

        public override ValueTask<TResult> ReadAsync<TState, TResult>(
            TState state, Func<MetadataSession, TState, TResult> query, CancellationToken cancellationToken) => inner.ReadAsync(state, query, cancellationToken);

        public override Task<TResult> WriteAsync<TState, TResult>(
            TState state, Func<MetadataSession, TState, TResult> change, CancellationToken cancellationToken) => inner.WriteAsync(state, change, cancellationToken);

        public override ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}
