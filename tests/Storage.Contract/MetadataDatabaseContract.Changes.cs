using System.Data.Common;
using Holdfast.Storage.Metadata;
using Holdfast.Testing;
using Shouldly;
using Xunit;

namespace Holdfast.Storage.Contract;

public abstract partial class MetadataDatabaseContract
{
    [Fact]
    public async Task Write_OneOfManyThrows_AloneIsRolledBack()
    {
        var changes = Enumerable.Range(0, 200).Select(i => ChangeAsync(session =>
        {
            var id = Registries.Ensure(session, $"registry {i}");
            return i % 10 == 3 ? throw new InvalidDataException($"number {i}") : id;
        })).ToList();

        for (var i = 0; i < changes.Count; i++)
        {
            if (i % 10 == 3)
                (await Should.ThrowAsync<InvalidDataException>(changes[i])).Message.ShouldBe($"number {i}");
            else
                await changes[i];
        }
        (await CountAsync("registries")).ShouldBe(1 + 180);
    }

    [Fact]
    public async Task Write_SqlError_ComesBackAndLaterChangesWork()
    {
        await Should.ThrowAsync<DbException>(() => ChangeAsync(session => session.Execute("INSERT INTO no_such_table VALUES (1)")));
        await ChangeAsync(session => Registries.Ensure(session, "second"));
        (await CountAsync("registries")).ShouldBe(2);
    }

    [Fact]
    public async Task Write_Cancelled_IsNotRun()
    {
        var run = false;
        await Should.ThrowAsync<OperationCanceledException>(() => Database.WriteAsync(0, (_, _) => run = true, new CancellationToken(true)));
        await ChangeAsync(session => Registries.Ensure(session, "second"));
        run.ShouldBeFalse();
    }

    [Fact]
    public async Task Read_AfterWrite_SeesIt()
    {
        for (var i = 0; i < 100; i++)
        {
            await LinkAsync($"blob {i}");
            (await CountAsync("links")).ShouldBe(i + 1);
        }
    }

    [Fact]
    public async Task Read_ThatChanges_IsRefused() =>
        await Should.ThrowAsync<DbException>(() => QueryAsync(session => Registries.Ensure(session, "second")));

    [Fact]
    public async Task Read_ThatThrowsMidway_LeavesTheNextOneFine()
    {
        await LinkAsync("one");
        await LinkAsync("two");
        await Should.ThrowAsync<InvalidDataException>(() => QueryAsync<int>(session =>
        {
            session.Prepare(Links).Query().Read();
            throw new InvalidDataException();
        }));
        (await QueryAsync(session => session.Prepare(Links).QueryLong())).ShouldNotBeNull();
    }

    [Fact, Promise("P1")]
    public async Task Write_ThenRestart_IsStillThere()
    {
        var put = await PutImageAsync("app", App, "latest");
        await RestartAsync();
        (await QueryAsync(session => Manifests.Find(session, App, put.Digest))).ShouldNotBeNull();
    }

    [Fact]
    public async Task Dispose_WithQueuedChanges_CommitsThem()
    {
        var changes = Enumerable.Range(0, 50).Select(i => ChangeAsync(session => Registries.Ensure(session, $"registry {i}"))).ToList();
        await RestartAsync();
        await Task.WhenAll(changes);
        (await CountAsync("registries")).ShouldBe(51);
    }

    [Fact]
    public async Task Write_SameTagBy16Writers_EndsAtOneOfTheirManifests()
    {
        var puts = new List<ManifestPut>();
        for (var i = 0; i < 16; i++)
            puts.Add(await PutImageAsync($"image {i}"));
        await Task.WhenAll(puts.Select(put => Task.Run(() => PutAsync(put with { Tags = [Oci.Tag.Parse("latest")] }))));
        var found = await QueryAsync(session => Manifests.Find(session, App, Oci.Tag.Parse("latest")));
        puts.Select(put => put.Digest).ShouldContain(found.ShouldNotBeNull().Digest);
        (await CountAsync("tags")).ShouldBe(1);
    }

    private const string Links = "SELECT blob_id FROM links";
}
