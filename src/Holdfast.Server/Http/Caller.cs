using Holdfast.Oci;

namespace Holdfast.Server.Http;

/// <summary>What a caller may do to a repository.</summary>
[Flags]
public enum RegistryActions
{
    None = 0,
    Pull = 1,
    Push = 2,
    Delete = 4,

    /// <summary>All that a repository's user may want; administration is granted by name only.</summary>
    All = Pull | Push | Delete,

    /// <summary>Administering the server. It isn't a repository's, so it counts only where it is granted for all of them.</summary>
    Admin = 8,
}

/// <summary>Who sends a request, and what that one may do.</summary>
/// <param name="user">The verified name; null for an anonymous caller.</param>
/// <param name="granted">All actions that the caller may take on a repository.</param>
public sealed class Caller(string? user, Func<RepositoryName, RegistryActions> granted)
{
    /// <summary>Everyone on an open registry.</summary>
    public static readonly Caller Open = new(null, static _ => RegistryActions.All);

    /// <summary>The server itself, which looks whether its front door works: it may pull everything, and is no user who does.</summary>
    public static readonly Caller Self = new("-", static _ => RegistryActions.Pull);

    public string? User => user;

    /// <summary>May the caller take every one of these actions?</summary>
    public bool May(RepositoryName repository, RegistryActions actions) => (granted(repository) & actions) == actions;
}
