using Holdfast.Configuration;

namespace Holdfast.Registry2;

/// <summary>proxy becomes a cache's upstream.</summary>
internal sealed class UpstreamTranslation(GivenSettings given)
{
    private const string Hub = "docker.io";

    /// <returns>Null for a hosted registry.</returns>
    public MovedUpstream? Translate()
    {
        if (Url(given) is not { } url)
        {
            Unused(given.Text("proxy.remoteurl") is null);
            return null;
        }

        given.Tell("proxy.remoteurl", Verdict.Taken, "registries.<name>.upstream.url");
        given.Tell("proxy.username", Verdict.Taken, "registries.<name>.upstream.username");
        given.Tell("proxy.password", Verdict.Taken, "a file of its own, which registries.<name>.upstream.passwordFile names");
        return new MovedUpstream(url.OriginalString, NamespaceOf(url), given.Text("proxy.username"), given.Text("proxy.password"));
    }

    /// <summary>Where the registry is filled from; null if it isn't a cache.</summary>
    public static Uri? Url(GivenSettings given) =>
        Uri.TryCreate(given.Text("proxy.remoteurl"), UriKind.Absolute, out var url) && (url.Scheme is "http" or "https") && url.UserInfo.Length == 0 ? url : null;

    /// <summary>Docker Hub is reached by one name and called by another.</summary>
    public static string NamespaceOf(Uri url) => url.Host is "registry-1.docker.io" or "index.docker.io" or "registry.hub.docker.com" or Hub ? Hub : url.Authority;

    private void Unused(bool isEmpty)
    {
        if (!isEmpty)
            given.Tell("proxy.remoteurl", Verdict.Wrong, "is no URL such as https://registry-1.docker.io, without a user in it");
        given.Tell("proxy.username", Verdict.NotNeeded, "there is no proxy.remoteurl, so that it is no cache");
        given.Tell("proxy.password", Verdict.NotNeeded, "there is no proxy.remoteurl, so that it is no cache");
    }
}
