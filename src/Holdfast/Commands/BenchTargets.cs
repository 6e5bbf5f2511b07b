using System.Net.Security;
using Holdfast.Bench;
using Holdfast.Bench.Http;
using Holdfast.Client;
using Holdfast.Oci;

namespace Holdfast.Commands;

/// <summary>A server as the command line names it.</summary>
/// <param name="IsRegistry">Else any HTTP server, of which nothing is asked first.</param>
internal sealed record BenchTarget(string Name, RegistryTarget Target, IReadOnlyList<int> Processes, bool IsRegistry);

/// <summary>Finds out where servers answer and who asks there; the requests themselves are the bench's own.</summary>
internal sealed class BenchTargets(RemoteAccess access, Action<string> tell) : IDisposable
{
    private readonly List<RegistryClient> _clients = [];

    /// <exception cref="RemoteFault">Some can't be asked; all of them are named.</exception>
    public async Task<IReadOnlyList<BenchServer>> FindAsync(IReadOnlyList<BenchTarget> targets, CancellationToken token)
    {
        access.Tell = tell;
        var (servers, faults) = (new List<BenchServer>(), new List<string>());
        foreach (var target in targets)
        {
            var (server, fault) = target.IsRegistry ? await FindAsync(target, token) : (OfAny(target), null);
            if (server is null)
                faults.Add(targets.Count == 1 ? fault! : $"{target.Name}: {fault}");
            else
                servers.Add(server);
        }
        return faults.Count == 0 ? servers : throw new RemoteFault(string.Join("; ", faults));
    }

    public void Dispose() => _clients.ForEach(static client => client.Dispose());

    private async Task<(BenchServer? Server, string? Fault)> FindAsync(BenchTarget target, CancellationToken token)
    {
        var (client, address, _, fault) = await access.ConnectAsync(target.Target, token);
        if (client is null)
            return (null, fault);
        _clients.Add(client);
        return (new BenchServer(target.Name, address!)
        {
            Processes = target.Processes,
            Accepts = Trust(),
            Grant = (deed, repository, inner) => GrantAsync(client.Admission, deed, repository, inner),
        }, null);
    }

    private BenchServer OfAny(BenchTarget target) =>
        new(target.Name, target.Target.AddressOver(target.Target.Scheme ?? Uri.UriSchemeHttp)) { Processes = target.Processes, Accepts = Trust() };

    private RemoteCertificateValidationCallback? Trust() => access.Authority is { } file ? TrustFile.Load(file).Accepts : null;

    private async ValueTask<string> GrantAsync(Admission admission, Deed deed, string repository, CancellationToken token)
    {
        var answer = deed switch
        {
            Deed.Pull => await admission.ToPullAsync(RepositoryName.Parse(repository), token),
            Deed.Push => await admission.ToPushAsync(RepositoryName.Parse(repository), token),
            Deed.Delete => await admission.ToDeleteAsync(RepositoryName.Parse(repository), token),
            Deed.List => await admission.ToListAsync(token),
            _ => throw new InvalidOperationException($"{deed} is no deed"),
        };
        if (answer.TryGet(out var authorization, out var failure))
            return authorization;
        var advice = failure.Status != 405 ? ""
            : deed == Deed.Delete ? "; it allows no deletes"
            : "; a cache or a read-only registry takes no pushes: for a cache, measure cold-cache with --upstream URL";
        throw new BenchFault(access.Explain(failure) + advice);
    }
}
