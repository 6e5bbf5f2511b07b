namespace Holdfast.Client;

/// <summary>One mirror of an upstream and how it is with it.</summary>
internal sealed class Mirror : IDisposable
{
    private readonly UpstreamPlan _plan;
    private readonly DateTimeOffset _since;

    public Mirror(UpstreamPlan plan, UpstreamMirror mirror)
    {
        _plan = plan;
        _since = plan.Time.GetUtcNow();
        Host = mirror.Address.Authority;
        Client = new RegistryClient(new RegistryClientOptions
        {
            Registry = mirror.Address,
            Username = mirror.Username,
            Password = mirror.Password,
            TrustFile = plan.TrustFile,
            Time = plan.Time,
            ConnectTimeout = plan.ConnectTimeout,
            StallTimeout = plan.StallTimeout,
            MaxConnections = plan.MaxConnections,
        });
    }

    public string Host { get; }

    public RegistryClient Client { get; }

    public MirrorState State => new(Host, _since, null, null);

    public void Dispose() => Client.Dispose();
}
