using Holdfast.Server.Http;
using Holdfast.Storage.Metadata;

namespace Holdfast.Server.Scrub;

/// <summary>What a run that was asked for comes to, counted from any thread.</summary>
internal sealed class ScrubTally
{
    // The rest is counted, and each of them is an incident.
    private const int MaxFindings = 100;

    private readonly Lock _lock = new();
    private readonly long[] _verdicts = new long[Enum.GetValues<BlobVerdict>().Length];
    private readonly List<ScrubFinding> _findings = [];

    public long Bytes { get; private set; }

    public void Count(KnownBlob blob, BlobVerdict verdict)
    {
        lock (_lock)
        {
            _verdicts[(int)verdict]++;
            Bytes += blob.SizeBytes;
        }
        if (verdict is BlobVerdict.Missing or BlobVerdict.Corrupt or BlobVerdict.Unreadable)
            Add(blob, verdict.Name());
    }

    public void Add(KnownBlob blob, string outcome)
    {
        lock (_lock)
        {
            if (_findings.Count < MaxFindings)
                _findings.Add(new ScrubFinding(blob.Digest.ToString(), outcome));
        }
    }

    public ScrubReport Report(TimeSpan took) => new(
        _verdicts.Sum(), Bytes, Of(BlobVerdict.Right), Of(BlobVerdict.Missing), Of(BlobVerdict.Corrupt), Of(BlobVerdict.Unreadable), Of(BlobVerdict.Unsettled),
        took.TotalSeconds, _findings);

    private long Of(BlobVerdict verdict) => _verdicts[(int)verdict];
}
