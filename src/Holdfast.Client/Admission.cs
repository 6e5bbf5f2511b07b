using Holdfast.Oci;

namespace Holdfast.Client;

/// <summary>
/// For whoever sends requests of its own: what they carry as Authorization. Each question is one that the registry must answer with what it asks of that kind
/// of request, and that changes nothing. A token that is still good is given again without asking.
/// </summary>
public sealed class Admission
{
    // Nothing has this digest; a registry that may be asked to delete it says so.
    private static readonly string NoDigest = "sha256:" + new string('0', 64);

    private readonly RegistryExchange _exchange;
    private readonly Authorizer _authorizer;
    private readonly string _prefix;

    internal Admission(RegistryExchange exchange, Authorizer authorizer, string prefix) => (_exchange, _authorizer, _prefix) = (exchange, authorizer, prefix);

    /// <returns>The header's value, empty if none is asked for; or why one may not.</returns>
    public ValueTask<RegistryAnswer<string>> ToPullAsync(RepositoryName repository, CancellationToken token) =>
        AskAsync(HttpMethod.Get, $"{_prefix}{repository}/tags/list?n=1", $"repository:{_prefix}{repository}:pull", static status => status is 200 or 404, token);

    /// <summary>Begins an upload, and takes it back (dist-spec v1.1.1, end-4a).</summary>
    /// <inheritdoc cref="ToPullAsync"/>
    public ValueTask<RegistryAnswer<string>> ToPushAsync(RepositoryName repository, CancellationToken token) =>
        AskAsync(HttpMethod.Post, $"{_prefix}{repository}/blobs/uploads/", $"repository:{_prefix}{repository}:pull,push", static status => status == 202, token);

    /// <summary>Deletes what isn't there (end-9).</summary>
    /// <inheritdoc cref="ToPullAsync"/>
    public ValueTask<RegistryAnswer<string>> ToDeleteAsync(RepositoryName repository, CancellationToken token) =>
        AskAsync(HttpMethod.Delete, $"{_prefix}{repository}/manifests/{NoDigest}", $"repository:{_prefix}{repository}:delete", static status => status is 202 or 404, token);

    /// <summary>For the catalogue.</summary>
    /// <inheritdoc cref="ToPullAsync"/>
    public ValueTask<RegistryAnswer<string>> ToListAsync(CancellationToken token) =>
        AskAsync(HttpMethod.Get, "_catalog?n=1", "registry:catalog:*", static status => status == 200, token);

    private async ValueTask<RegistryAnswer<string>> AskAsync(HttpMethod method, string path, string scope, Func<int, bool> isFine, CancellationToken token)
    {
        if (_authorizer.Known(scope) is { Scheme: "Bearer" } fresh)
            return new(fresh.ToString());
        var reply = await _exchange.SendAsync(new Ask(method, new Uri(_exchange.Options.Registry, $"/v2/{path}")), scope, token);
        if (reply.Response is not { } response)
            return new(reply.Failure!);
        Uri? upload;
        using (response)
        {
            if (!isFine((int)response.StatusCode))
                return new(await Failures.OfStatusAsync(_exchange.Options, response, token));
            upload = method == HttpMethod.Post ? response.Headers.Location : null;
        }
        if (upload is not null)
            await CancelAsync(new Uri(_exchange.Options.Registry, upload), scope, token);
        return new(_authorizer.Known(scope)?.ToString() ?? "");
    }

    // What can't be taken back, the registry forgets in time.
    private async ValueTask CancelAsync(Uri upload, string scope, CancellationToken token)
    {
        if (!Wire.IsSameOrigin(_exchange.Options.Registry, upload))
            return;
        var reply = await _exchange.SendAsync(new Ask(HttpMethod.Delete, upload), scope, token);
        reply.Response?.Dispose();
    }
}
