using System.Diagnostics.CodeAnalysis;
using Holdfast.Oci;
using Holdfast.Server.Http;

namespace Holdfast.Server.Auth;

/// <summary>What a token request asks for, or what a token grants: actions per repository, and listing the catalogue.</summary>
internal sealed class TokenScope
{
    /// <summary>A bundle of images is pushed with a mount from each of its sources; more is no client's need (P10).</summary>
    public const int MaxScopes = 64;

    /// <summary>Characters of all scopes together; keeps the token below what header limits allow.</summary>
    public const int MaxLength = 4096;

    private readonly Dictionary<RepositoryName, RegistryActions> _repositories = [];

    public IReadOnlyDictionary<RepositoryName, RegistryActions> Repositories => _repositories;

    public bool Catalog { get; set; }

    public RegistryActions Of(RepositoryName repository) => _repositories.GetValueOrDefault(repository);

    public void Add(RepositoryName repository, RegistryActions actions) => _repositories[repository] = Of(repository) | actions;

    /// <summary>Reads <c>scope</c> parameters, each one or more scopes with spaces between (Docker token specification, "Requesting a token").</summary>
    /// <returns>False if there are too many. Scopes that mean nothing here are passed over: they grant nothing.</returns>
    public static bool TryParse(IEnumerable<string?> parameters, [NotNullWhen(true)] out TokenScope? scope)
    {
        scope = null;
        var parsed = new TokenScope();
        var (count, length) = (0, 0);
        foreach (var parameter in parameters)
        {
            length += parameter?.Length ?? 0;
            if (length > MaxLength)
                return false;
            foreach (var one in (parameter ?? "").Split(' ', StringSplitOptions.RemoveEmptyEntries))
            {
                if (++count > MaxScopes)
                    return false;
                parsed.Add(one);
            }
        }
        scope = parsed;
        return true;
    }

    /// <summary>The actions that a list in a scope or a token names.</summary>
    public static RegistryActions ActionNamed(ReadOnlySpan<char> name) => name switch
    {
        "pull" => RegistryActions.Pull,
        "push" => RegistryActions.Push,
        "delete" => RegistryActions.Delete,
        "*" => RegistryActions.All,
        _ => RegistryActions.None,
    };

    public static IEnumerable<string> NamesOf(RegistryActions actions)
    {
        if ((actions & RegistryActions.Pull) != 0)
            yield return "pull";
        if ((actions & RegistryActions.Push) != 0)
            yield return "push";
        if ((actions & RegistryActions.Delete) != 0)
            yield return "delete";
    }

    // type[(class)]:name:action,action - the name may hold a colon (a host's port), types and actions do not.
    private void Add(string scope)
    {
        var first = scope.IndexOf(':', StringComparison.Ordinal);
        var last = scope.LastIndexOf(':');
        if (first == last)
            return;
        var type = scope.AsSpan(0, first);
        var name = scope.AsSpan(first + 1, last - first - 1);
        var actions = RegistryActions.None;
        foreach (var range in scope.AsSpan(last + 1).Split(','))
            actions |= ActionNamed(scope.AsSpan(last + 1)[range]);
        if (type is "registry" && name is "catalog" && actions == RegistryActions.All)
            Catalog = true;
        else if ((type is "repository" || type.StartsWith("repository(", StringComparison.Ordinal))
            && actions != RegistryActions.None && RepositoryName.TryParse(name, out var repository))
        {
            Add(repository, actions);
        }
    }
}
