namespace EndToEnd.Clients;

/// <summary>One of each client that both pushes and pulls images, all with empty storage.</summary>
internal sealed class ClientSet : IAsyncDisposable
{
    public ClientSet(Lab lab)
    {
        All = [new Docker(lab), new Podman(lab), new Buildah(lab), new Skopeo(lab), new Ctr(lab), new Oras(lab), new Crane(lab)];
        Require.Programs([.. All.SelectMany(client => client.Programs)]);
    }

    public IReadOnlyList<Client> All { get; }

    public async ValueTask DisposeAsync()
    {
        foreach (var client in All)
        {
            await client.DisposeAsync();
        }
    }
}
