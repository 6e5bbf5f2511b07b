using Holdfast.Oci;

namespace Holdfast.Client.Walk;

/// <summary>What one registry knows about referrers: by its list (dist-spec v1.1.1, "Listing Referrers"), else by the tags of the fallback schema.</summary>
internal sealed class ReferrerSupport
{
    /// <summary>Null until the registry has said so.</summary>
    public bool? HasList { get; set; }
}

/// <summary>Finds the referrers of manifests of one repository.</summary>
/// <param name="tagsAreWalked">Are all tags of the repository walked anyway, those of the fallback schema among them?</param>
internal sealed class ReferrerSearch(RepositoryObjects objects, RepositoryName repository, ReferrerSupport support, bool tagsAreWalked, CancellationToken token)
{
    /// <returns>The referrers; what is wrong with the list of them; what is worth knowing about it.</returns>
    public async Task<(IReadOnlyList<RemoteReferrer> Found, Problem? Problem, string? Note)> OfAsync(Digest digest)
    {
        if (support.HasList != false)
        {
            var answer = await objects.AskAsync(client => client.ListReferrersAsync(repository, digest, token));
            if (answer.TryGet(out var found, out var failure))
            {
                support.HasList = true;
                return (found, null, null);
            }
            if (support.HasList == true || !SaysThatThereIsNone(failure))
                return ([], Problem.Of(failure) with { Kind = FindingKind.Unchecked, Answer = $"its referrers could not be listed: {failure.Detail}" }, null);
            support.HasList = false;
        }
        return tagsAreWalked ? ([], null, null) : await OfFallbackAsync(digest);
    }

    // Registries without the list answer 404, or what they answer to anything they don't know: 400, 405, a page for people.
    private static bool SaysThatThereIsNone(RegistryFailure failure) =>
        failure.Outcome is RegistryOutcome.Unknown or RegistryOutcome.Unusable || failure.Status is 403 or 501;

    private async Task<(IReadOnlyList<RemoteReferrer> Found, Problem? Problem, string? Note)> OfFallbackAsync(Digest digest)
    {
        var tag = Tag.Parse($"{digest.Algorithm.Name()}-{digest.Hex}"[..Math.Min(Tag.MaxLength, digest.Hex.Length + 7)]);
        var loaded = await objects.ResolveAsync(tag);
        if (loaded.Problem is { } problem)
            return problem.Kind == FindingKind.Missing ? ([], null, null) : ([], problem with { Answer = $"its referrers ({tag}) could not be read: {problem.Answer}" }, null);
        return ([.. loaded.View!.Edges.Where(static edge => edge.Role == StepRole.Child).Select(static edge => new RemoteReferrer(edge.Content, ""))], null, null);
    }
}
