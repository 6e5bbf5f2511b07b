using Holdfast.Configuration;

namespace Holdfast.Registry2;

/// <summary>proxy becomes a cache's upstream.</summary>
internal sealed class UpstreamTranslation(GivenSettings given)
{
    /// <returns>Null for a hosted registry.</returns>
    public MovedUpstream? Translate()
    {
        if (Url(given) is not { } url)
        {
            Unused(given.Text("proxy.remoteurl") is null);
            return null;
        }

        given.Tell("proxy.remoteurl", Verdict.Taken, "registries.<name>.upstream.url");
        // One without the other logs nobody in.
        if (given.Text("proxy.username") is not { Length: > 0 } username || given.Text("proxy.password") is not { Length: > 0 } password)
        {
            given.Tell("proxy.username", Verdict.NotNeeded, "without a proxy.password nobody logs in");
            given.Tell("proxy.password", Verdict.NotNeeded, "without a proxy.username nobody logs in");
            return new MovedUpstream(url.OriginalString, UpstreamBinder.NamespaceOf(url), null, null);
        }

        given.Tell("proxy.username", Verdict.Taken, "registries.<name>.upstream.username");
        given.Tell("proxy.password", Verdict.Taken, "a file of its own, which registries.<name>.upstream.passwordFile names");
        return new MovedUpstream(url.OriginalString, UpstreamBinder.NamespaceOf(url), username, password);
    }

    /// <summary>Where the registry is filled from; null if it isn't a cache.</summary>
    public static Uri? Url(GivenSettings given) =>
        Uri.TryCreate(given.Text("proxy.remoteurl"), UriKind.Absolute, out var url) && url is { Scheme: "http" or "https", UserInfo: "", Query: "", Fragment: "" } ? url : null;

    private void Unused(bool isEmpty)
    {
        if (!isEmpty)
            given.Tell("proxy.remoteurl", Verdict.Wrong, "is no URL such as https://registry-1.docker.io, without a user or a query in it");
        given.Tell("proxy.username", Verdict.NotNeeded, "there is no proxy.remoteurl, so that it is no cache");
        given.Tell("proxy.password", Verdict.NotNeeded, "there is no proxy.remoteurl, so that it is no cache");
    }
}
