using Holdfast.Storage;
using Microsoft.Extensions.Logging;

namespace Holdfast.Server.Http;

/// <summary>What checks stored bytes in one server, for pulls and for the scrub alike.</summary>
internal sealed class StoreChecks : IAsyncDisposable
{
    private StoreChecks(Findings findings, StoreWatch watch, BlobVerifier verifier, ManifestCopies copies) =>
        (Findings, Watch, Verifier, Copies) = (findings, watch, verifier, copies);

    public Findings Findings { get; }

    public StoreWatch Watch { get; }

    public BlobVerifier Verifier { get; }

    public ManifestCopies Copies { get; }

    public static StoreChecks Create(ContentStores stores, ScrubOptions options, IncidentBook incidents, TimeProvider time, ILoggerFactory logs)
    {
        var watch = new StoreWatch(stores, incidents);
        var findings = new Findings(incidents, watch, time);
        var renewals = new Renewals(stores.Metadata, findings, time, logs.CreateLogger<Renewals>());
        var verifier = new BlobVerifier(stores, options, findings, logs.CreateLogger<BlobVerifier>())
        {
            Time = time,
            Renewals = renewals,
        };
        return new StoreChecks(findings, watch, verifier, new ManifestCopies(stores, findings, renewals, time));
    }

    /// <summary>Ends what still runs; nothing is pulled any more.</summary>
    public ValueTask DisposeAsync() => Verifier.DisposeAsync();
}
