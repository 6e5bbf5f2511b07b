namespace Holdfast.Server.Http;

/// <summary>Brings a request to the registry that it is for, and to what such a registry answers.</summary>
internal sealed class RegistryChoice(Dispatcher hosted, Dispatcher caches)
{
    public Task HandleAsync(RegistryRequest request)
    {
        if (request.Listener.Caches is { } all)
            return ChooseAsync(request, all);
        return request.Registry.Cache is { } cache ? AnswerCacheAsync(request, cache) : hosted.HandleAsync(request);
    }

    private Task ChooseAsync(RegistryRequest request, CacheNamespaces all)
    {
        if (Query.One(request.Context.Request, CacheNamespaces.Parameter) is { } name)
        {
            if (!all.TryFind(name, out var cache))
                return request.FailAsync(Outcome.RepositoryUnknown, $"nothing is cached here of the registry that ?ns= names; there are caches of {all.Known}");
            request.Registry = cache;
            return AnswerAsync(request);
        }

        if (request.Route.NeedsRepository || request.Route.Kind == RouteKind.Catalog)
        {
            return request.FailAsync(
                Outcome.RequestMalformed, $"several caches lie behind this address: say which by one query parameter, ?ns={all.Known.Split(',')[0]}; there are caches of {all.Known}");
        }

        return caches.HandleAsync(request);
    }

    // Before it is looked at who may pull what: rules are for the names that are kept.
    private Task AnswerAsync(RegistryRequest request)
    {
        request.Route = request.Route with { Repository = request.Registry.NameOf(request.Route.Repository) };
        return caches.HandleAsync(request);
    }

    // A node whose mirror for one registry leads to the cache of another would get other images under the right names. A 404 sends it on to its next
    // mirror, or to the registry itself.
    private Task AnswerCacheAsync(RegistryRequest request, CacheOptions cache)
    {
        var name = Query.One(request.Context.Request, CacheNamespaces.Parameter);
        if (name is null || name.Equals(cache.Upstream.Namespace, StringComparison.OrdinalIgnoreCase))
            return AnswerAsync(request);
        return request.FailAsync(
            Outcome.RepositoryUnknown, $"this is a cache of {cache.Upstream.Namespace}, and ?ns= asks for another registry; correct the node's hosts.toml, or upstream.namespace here");
    }
}
