using Holdfast.Storage.Metadata;

namespace Holdfast.Server.Http;

/// <summary>How many incidents are open, by kind, so that nobody has to ask the database for it.</summary>
internal sealed class OpenCounts
{
    private readonly Lock _lock = new();
    private readonly Dictionary<IncidentKind, (long Open, long Acknowledged)> _written = [];
    private readonly Dictionary<IncidentKind, long> _waiting = [];

    /// <summary>Open ones, those that could not be written down yet included.</summary>
    public long Of(IncidentKind kind)
    {
        lock (_lock)
            return _written.GetValueOrDefault(kind).Open + _waiting.GetValueOrDefault(kind);
    }

    public long Acknowledged
    {
        get
        {
            lock (_lock)
                return _written.Values.Sum(static counts => counts.Acknowledged);
        }
    }

    public void Opened(IncidentKind kind) => Change(kind, 1, 0);

    public void Closed(IncidentKind kind, bool wasAcknowledged) => Change(kind, -1, wasAcknowledged ? -1 : 0);

    public void Set(IReadOnlyList<IncidentCount> written, IReadOnlyList<IncidentKind> waiting)
    {
        lock (_lock)
        {
            _written.Clear();
            foreach (var count in written)
                _written[count.Kind] = (count.Open, count.Acknowledged);
            _waiting.Clear();
            foreach (var (kind, count) in waiting.CountBy(static kind => kind))
                _waiting[kind] = count;
        }
    }

    /// <summary>So many more can't be written down yet, or fewer.</summary>
    public void Waits(IncidentKind kind, int change)
    {
        lock (_lock)
            _waiting[kind] = Math.Max(0, _waiting.GetValueOrDefault(kind) + change);
    }

    private void Change(IncidentKind kind, long open, long acknowledged)
    {
        lock (_lock)
        {
            var (before, known) = _written.GetValueOrDefault(kind);
            _written[kind] = (Math.Max(0, before + open), Math.Max(0, known + acknowledged));
        }
    }
}
