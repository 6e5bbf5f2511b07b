namespace EndToEnd.Servers;

/// <summary>A registry server under test, reachable in every mode that it has.</summary>
internal abstract class Deployment : IAsyncDisposable
{
    protected static Credentials User { get; } = new("ci", "correct horse battery staple");

    public abstract Endpoint For(Mode mode);

    public virtual bool Has(Mode mode) => true;

    public abstract ValueTask DisposeAsync();

    /// <summary>
    /// Starts Holdfast; or, if E2E_SERVER is "docker-registry", that one, which tells whether a failure is the server's or the test's.
    /// </summary>
    public static async Task<Deployment> StartAsync(Lab lab, CancellationToken token) =>
        Environment.GetEnvironmentVariable("E2E_SERVER") == "docker-registry"
            ? await PeerProcess.StartPeerAsync(lab, token)
            : await HoldfastProcess.StartAsync(lab, new HoldfastSettings(), token);

    protected static Credentials? CredentialsFor(Mode mode) => mode is Mode.Plain or Mode.Tls ? null : User;

    protected static bool IsTls(Mode mode) => mode is Mode.Tls or Mode.Bearer or Mode.AnonymousPull;
}
