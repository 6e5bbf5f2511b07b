using Holdfast.Oci;

namespace Holdfast.Client.Credentials;

/// <summary>Looks for the credentials of a registry where docker, podman and skopeo keep them.</summary>
/// <param name="environment">Gives a variable's value, or null.</param>
public sealed class CredentialSearch(Func<string, string?> environment, TimeProvider time)
{
    private static readonly string[] HubNames = ["docker.io", "index.docker.io", "registry-1.docker.io"];

    // Docker Hub has gone by this name since its first version.
    private const string HubServer = "https://index.docker.io/v1/";

    /// <param name="host">host or host:port.</param>
    /// <param name="repository">podman keeps credentials for parts of a registry too; none: for the registry alone.</param>
    /// <returns>The first credential found, or null, and what was odd on the way.</returns>
    public async Task<(Credential? Found, IReadOnlyList<string> Problems)> FindAsync(string host, RepositoryName repository, CancellationToken token)
    {
        var problems = new List<string>();
        var keys = KeysOf(host, repository).ToList();
        foreach (var path in Files())
        {
            var (file, fault) = CredentialFile.Open(path);
            Note(fault);
            if (file is null)
                continue;
            if (file.HelperFor(host, keys) is { } helper)
            {
                var (kept, why) = await CredentialProgram.GetAsync(helper, Array.IndexOf(HubNames, host) >= 0 ? HubServer : host, time, token);
                Note(why);
                if (kept is not null)
                    return (kept, problems);
            }
            var (found, problem) = file.Find(keys);
            Note(problem);
            if (found is not null)
                return (found, problems);
        }
        return (null, problems);

        void Note(string? problem)
        {
            if (problem is not null)
                problems.Add(problem);
        }
    }

    // In the order in which podman and skopeo look, docker's own file last.
    private IEnumerable<string> Files()
    {
        if (environment("REGISTRY_AUTH_FILE") is { Length: > 0 } named)
            yield return named;
        if (environment("XDG_RUNTIME_DIR") is { Length: > 0 } runtime)
            yield return Path.Combine(runtime, "containers", "auth.json");
        var home = environment("HOME");
        if (environment("XDG_CONFIG_HOME") is { Length: > 0 } config)
            yield return Path.Combine(config, "containers", "auth.json");
        else if (home is { Length: > 0 })
            yield return Path.Combine(home, ".config", "containers", "auth.json");
        if (environment("DOCKER_CONFIG") is { Length: > 0 } docker)
            yield return Path.Combine(docker, "config.json");
        else if (home is { Length: > 0 })
            yield return Path.Combine(home, ".docker", "config.json");
    }

    // The most special first: host/team/app, host/team, host.
    private static IEnumerable<string> KeysOf(string host, RepositoryName repository)
    {
        for (var name = repository.ToString(); name.Length > 0; name = name.LastIndexOf('/') is > 0 and var slash ? name[..slash] : "")
            yield return $"{host}/{name}";
        yield return host;
        if (Array.IndexOf(HubNames, host) < 0)
            yield break;
        foreach (var name in HubNames)
            yield return name;
    }
}
