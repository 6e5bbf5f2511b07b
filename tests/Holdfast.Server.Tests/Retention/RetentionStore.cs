using System.Text.Json.Nodes;
using Holdfast.Oci;
using Holdfast.Server.Http;
using Holdfast.Server.Retention;
using Holdfast.Server.Tests.Hosting;
using Holdfast.Server.Tests.Protocol;
using Holdfast.Storage;
using Holdfast.Storage.Metadata;
using Holdfast.Storage.Sqlite;
using Microsoft.Extensions.Logging.Abstractions;
using Shouldly;

namespace Holdfast.Server.Tests.Retention;

/// <summary>A real database with one registry, "main", a clock that stands still, and short ways to fill it and to run rules on it.</summary>
internal sealed class RetentionStore : IAsyncDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("holdfast-retention-");
    private readonly InUseLists _lists;
    private int _ids;

    public RetentionStore()
    {
        Metadata = SqliteMetadataDatabase.Open(Path.Combine(_folder.FullName, "holdfast.db"));
        _lists = new InUseLists(Time);
        StoreTime = new StoreTime(Time);
        Write(db => Registries.Ensure(db, "main")).ShouldBe(1);
    }

    public ManualTime Time { get; } = new();

    public SqliteMetadataDatabase Metadata { get; }

    /// <summary>Happens once, right before the next change that a run makes: between what it decided and what it removes.</summary>
    public Action? BeforeRemoval { get; set; }

    public StoreTime StoreTime { get; set; }

    public StoreMoment Moment => StoreTime.Look();

    public long NowMs => Time.GetUtcNow().ToUnixTimeMilliseconds();

    public static RetentionOptions Rule => new() { Registries = ["*"], Repositories = ["**"], MaxRemovedPercent = 100 };

    public static RepositoryKey Key(string repository) => new(1, RepositoryName.Parse(repository));

    public T Write<T>(Func<MetadataSession, T> change) =>
        Metadata.WriteAsync(change, static (db, change) => change(db), CancellationToken.None).GetAwaiter().GetResult();

    public T Read<T>(Func<MetadataSession, T> query) =>
        Metadata.ReadAsync(query, static (db, query) => query(db), CancellationToken.None).AsTask().GetAwaiter().GetResult();

    /// <summary>Pushes an image with a layer of its own.</summary>
    public Digest Push(string repository, int seed, params string[] tags)
    {
        var (config, layer) = (Samples.Bytes(seed, 50), Samples.Bytes(seed + 100_000, 500));
        Link(repository, config);
        Link(repository, layer);
        return Put(repository, Samples.Image(config, layer), tags);
    }

    public Digest PushIndex(string repository, Digest[] children, params string[] tags)
    {
        var manifests = children.Select(child => Read(db => Storage.Metadata.Manifests.ReadPayload(db, child))!).ToArray();
        return Put(repository, Samples.Index(manifests), tags);
    }

    /// <summary>Pushes a signature: a manifest with the subject.</summary>
    public Digest PushReferrer(string repository, Digest subject, int seed, params string[] tags)
    {
        var config = Samples.Bytes(seed, 50);
        Link(repository, config);
        var manifest = Samples.ImageJson(config);
        manifest["subject"] = new JsonObject { ["mediaType"] = MediaTypes.OciManifest, ["digest"] = subject.ToString(), ["size"] = 1 };
        return Put(repository, Samples.Json(manifest), tags);
    }

    /// <summary>Puts the stored manifest again, under other tags.</summary>
    public void Tag(string repository, Digest digest, params string[] tags) =>
        Put(repository, Read(db => Storage.Metadata.Manifests.ReadPayload(db, digest))!, tags);

    public void Untag(string repository, string tag) =>
        Write(db => Storage.Metadata.Tags.Delete(db, Key(repository), Oci.Tag.Parse(tag), new Deletion("op", DeletionCause.Client, "test"), NowMs)).ShouldBeTrue();

    public void Delete(string repository, Digest digest) =>
        Write(db => Storage.Metadata.Manifests.Delete(db, Key(repository), digest, new Deletion("op", DeletionCause.Client, "test"), NowMs)).Outcome.ShouldBe(DeleteOutcome.Deleted);

    /// <summary>Leaves of a manifest what a rebuild leaves whose bytes are gone: its row and its tags.</summary>
    public void Lose(Digest digest) => Write(db =>
    {
        const string Id = "(SELECT m.id FROM manifests m JOIN blobs b ON b.id = m.blob_id WHERE b.digest = @digest)";
        db.Prepare("DELETE FROM manifest_children WHERE manifest_id = " + Id).Set("@digest", digest).Execute();
        db.Prepare("DELETE FROM manifest_blobs WHERE manifest_id = " + Id).Set("@digest", digest).Execute();
        return db.Prepare("UPDATE manifests SET media_type = 'lost:' || media_type WHERE id = " + Id).Set("@digest", digest).Execute();
    }).ShouldBe(1);

    public void Pull(string repository, Digest digest) => Write(db =>
    {
        Pulls.Note(db, [(Key(repository), digest)], NowMs);
        return true;
    });

    public IReadOnlyList<string> TagsOf(string repository) => Read(db => Storage.Metadata.Tags.List(db, Key(repository), null, 10_000)).Names;

    public bool Has(string repository, Digest digest) => Read(db => Storage.Metadata.Manifests.Find(db, Key(repository), digest)) is not null;

    /// <summary>Does a live index list it?</summary>
    public bool IsHeld(string repository, Digest digest) => Read(db => db.Prepare("""
        SELECT COUNT(*) FROM blobs b JOIN manifests m ON m.blob_id = b.id JOIN manifest_children c ON c.child_id = m.id JOIN manifests p ON p.id = c.manifest_id
        JOIN repositories r ON r.id = m.repository_id WHERE b.digest = @digest AND r.name = @repository AND p.trashed_at IS NULL
        """).Set("@digest", digest).Set("@repository", repository).QueryLong()) > 0;

    public IReadOnlyList<Incident> OpenIncidents() => Read(db => Storage.Metadata.Incidents.ListOpen(db, 1000));

    public void Pass(double days) => Time.Advance(TimeSpan.FromDays(days));

    public string WriteFile(string name, string text)
    {
        var file = Path.Combine(_folder.FullName, name);
        File.WriteAllText(file, text);
        return file;
    }

    public RetentionRuns Runs(params RetentionOptions[] rules)
    {
        var planner = new RetentionPlanner(new Interfered(this), new RetentionRules(rules, new Dictionary<string, int>(StringComparer.Ordinal) { ["main"] = 1 }), _lists, StoreTime);
        return new RetentionRuns(
            planner, new IncidentBook(Metadata, Time, NullLogger<IncidentBook>.Instance), () => $"id{Interlocked.Increment(ref _ids)}", NullLogger<RetentionRuns>.Instance);
    }

    public Task<RetentionPlan> PlanAsync(params RetentionOptions[] rules) => Runs(rules).PlanAsync(PlanScope.All, null, CancellationToken.None);

    public async Task<RetentionResult> ApplyAsync(params RetentionOptions[] rules) =>
        (await Runs(rules).RunAsync(PlanScope.All, null, null, CancellationToken.None))!;

    public async ValueTask DisposeAsync()
    {
        _lists.Dispose();
        await Metadata.DisposeAsync();
        _folder.Delete(recursive: true);
    }

    private Digest Put(string repository, byte[] payload, string[] tags)
    {
        ManifestParser.TryParse(payload, null, out var manifest, out var problem).ShouldBeTrue(problem);
        var digest = Samples.DigestOf(payload);
        Write(db => Storage.Metadata.Manifests.Put(db, new ManifestPut(Key(repository), digest, payload, manifest!, [.. tags.Select(Oci.Tag.Parse)]), NowMs)).IsWhole.ShouldBeTrue();
        return digest;
    }

    private void Link(string repository, byte[] blob) => Write(db =>
    {
        BlobLinks.Add(db, Key(repository), new StoredBlob(Samples.DigestOf(blob), blob.Length, 1), NowMs);
        return true;
    });

    private sealed class Interfered(RetentionStore store) : MetadataDatabase
    {
        public override ValueTask<TResult> ReadAsync<TState, TResult>(TState state, Func<MetadataSession, TState, TResult> query, CancellationToken cancellationToken) =>
            store.Metadata.ReadAsync(state, query, cancellationToken);

        public override Task<TResult> WriteAsync<TState, TResult>(TState state, Func<MetadataSession, TState, TResult> change, CancellationToken cancellationToken)
        {
            var before = store.BeforeRemoval;
            store.BeforeRemoval = null;
            before?.Invoke();
            return store.Metadata.WriteAsync(state, change, cancellationToken);
        }

        public override ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}
