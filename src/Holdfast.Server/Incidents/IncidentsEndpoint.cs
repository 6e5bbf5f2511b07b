using System.Globalization;
using Holdfast.Oci;
using Holdfast.Server.Http;
using Holdfast.Storage;
using Holdfast.Storage.Metadata;

namespace Holdfast.Server.Incidents;

/// <summary>Tells of incidents, and takes note that somebody knows of one.</summary>
internal sealed class IncidentsEndpoint(ContentStores stores, IncidentBook book, TimeProvider time)
{
    private const int MaxPage = 1_000;
    private const int MaxHits = 100;

    /// <summary><c>GET /api/v1/incidents</c></summary>
    public async Task ListAsync(AdminRequest request)
    {
        var limit = ReadNumber(request, "limit", 100, 1, MaxPage);
        var filter = new IncidentFilter(ReadState(request))
        {
            Kind = ReadKind(request),
            SinceMs = ReadTime(request, "since"),
            BeforeId = ReadNumber(request, "after", long.MaxValue, 1, long.MaxValue),
        };
        var (found, counts) = await stores.Metadata.ReadAsync(
            (filter, limit: (int)limit + 1),
            static (db, s) => (Storage.Metadata.Incidents.List(db, s.filter, s.limit), Storage.Metadata.Incidents.CountOpen(db)),
            request.Aborted);
        var page = found.Take((int)limit).ToList();
        var asked = counts.Where(count => filter.Kind is null || count.Kind == filter.Kind).ToList();
        // A disk that takes no writes is an incident that can't be written down: the list must not say that all is well then.
        var isFirst = filter.BeforeId == long.MaxValue && filter.State != IncidentState.Healed;
        var unwritten = book.NotWritten.Where(incident => filter.Kind is null || incident.Kind == filter.Kind).ToList();
        await request.AnswerAsync(new IncidentPage(
            [.. (isFirst ? unwritten : []).Concat(page).Select(incident => Describe(incident))],
            asked.Sum(count => count.Open) + unwritten.Count,
            asked.Sum(count => count.Acknowledged),
            IncidentKinds.List.ToDictionary(
                kind => kind.Name(), kind => counts.FirstOrDefault(count => count.Kind == kind).Open + book.NotWritten.Count(incident => incident.Kind == kind), StringComparer.Ordinal),
            found.Count > page.Count ? page[^1].Id.ToString(CultureInfo.InvariantCulture) : null));
    }

    /// <summary><c>GET /api/v1/incidents/{id}</c></summary>
    public async Task GetAsync(AdminRequest request)
    {
        var id = ReadId(request);
        var (incident, impact) = await stores.Metadata.ReadAsync(id, static (db, id) => Load(db, id), request.Aborted);
        if (incident is null)
            throw NotFound(id);
        var first = impact is { Tags: [var hit, ..] } ? $"{hit.Repository}:{hit.Tag}" : null;
        await request.AnswerAsync(new IncidentReport(Describe(incident, first), impact is null ? null : Describe(impact)));
    }

    /// <summary><c>POST /api/v1/incidents/{id}/acknowledge</c></summary>
    public async Task AcknowledgeAsync(AdminRequest request)
    {
        var id = ReadId(request);
        await request.ReadJsonAsync<Nothing>();
        var incident = await book.AcknowledgeAsync(id, request.Caller, request.Aborted) ?? throw NotFound(id);
        await request.AnswerAsync(Describe(incident));
    }

    public static IncidentAnswer Describe(Incident incident, string? image = null) => new(
        incident.Id, incident.Kind.Name(), incident.Subject, State(incident), incident.Detail)
    {
        Advice = incident.HealedAtMs is null ? Advice.Of(incident.Kind, image) : null,
        OpenedAt = Time(incident.OpenedAtMs)!.Value,
        UpdatedAt = Time(incident.UpdatedAtMs)!.Value,
        Seen = incident.Seen,
        AcknowledgedAt = Time(incident.AcknowledgedAtMs),
        AcknowledgedBy = incident.AcknowledgedBy,
        HealedAt = Time(incident.HealedAtMs),
        HealedBy = incident.HealedBy,
        HealSeconds = incident.HealedAtMs is { } healed ? Math.Max(0, healed - incident.OpenedAtMs) / 1000.0 : null,
        Tries = incident.Tries,
        LastTry = incident.Tried,
        NextTryAt = incident.HealedAtMs is null && incident.NextTryAtMs > 0 ? Time(incident.NextTryAtMs) : null,
    };

    /// <exception cref="AdminException">It is no number in the range.</exception>
    public static long ReadNumber(AdminRequest request, string name, long otherwise, long least, long most)
    {
        if (request.Query(name) is not { } text)
            return otherwise;
        return long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number >= least && number <= most
            ? number
            : throw Invalid($"{name}: a whole number of at least {least}{(most == long.MaxValue ? "" : $" and at most {most}")}");
    }

    private static (Incident? Incident, ImpactRow? Impact) Load(MetadataSession db, long id)
    {
        var incident = Storage.Metadata.Incidents.Find(db, id);
        return (incident, incident is not null && Digest.TryParse(incident.Subject, out var digest) ? Impact.Of(db, digest, MaxHits) : null);
    }

    private static IncidentImpact Describe(ImpactRow impact) => new(
        [.. impact.Tags.Select(Describe)], impact.TagCount, impact.ManifestCount, [.. impact.TrashedTags.Select(Describe)], impact.TrashedTagCount);

    private static HitTag Describe(ImpactTag tag) => new(tag.Registry, tag.Repository.ToString(), tag.Tag.ToString(), tag.Digest.ToString());

    private static string State(Incident incident) =>
        incident.HealedAtMs is not null ? "healed" : incident.AcknowledgedAtMs is not null ? "acknowledged" : "open";

    private static IncidentState ReadState(AdminRequest request) => request.Query("state") switch
    {
        null or "open" => IncidentState.Open,
        "healed" => IncidentState.Healed,
        "all" => IncidentState.All,
        _ => throw Invalid("state: open, healed or all"),
    };

    private static IncidentKind? ReadKind(AdminRequest request)
    {
        if (request.Query("kind") is not { } name)
            return null;
        foreach (var kind in IncidentKinds.List)
        {
            if (string.Equals(kind.Name(), name, StringComparison.Ordinal))
                return kind;
        }
        throw Invalid($"kind: one of {string.Join(", ", IncidentKinds.List.Select(kind => kind.Name()))}");
    }

    private long ReadTime(AdminRequest request, string name)
    {
        if (request.Query(name) is not { } text)
            return long.MinValue;
        return Moment.Parse(text, time.GetUtcNow()) ?? throw Invalid($"{name}: '{text}' is neither {Moment.Forms}");
    }

    private static long ReadId(AdminRequest request) =>
        long.TryParse(request.Value("id"), NumberStyles.None, CultureInfo.InvariantCulture, out var id)
            ? id
            : throw Invalid("an incident's id is a whole number; `holdfast incidents` shows it");

    private static DateTimeOffset? Time(long? ms) => ms is { } known ? DateTimeOffset.FromUnixTimeMilliseconds(known) : null;

    private static AdminException Invalid(string message) => new(Outcome.AdminInvalid, message);

    private static AdminException NotFound(long id) => id == 0
        ? new(Outcome.AdminNotFound, "0 is what can't be written down yet: it gets a number, and can be shown and acknowledged, once the store takes writes; `holdfast incidents` tells all that is known of it")
        : new(Outcome.AdminNotFound, $"no incident {id}; `holdfast incidents --all` lists those that are kept (healed ones 90 days)");

    private sealed record Nothing;
}
