namespace Holdfast.Server.Auth;

/// <summary>One line of an htpasswd file.</summary>
/// <param name="Name">Null if the line has no colon.</param>
/// <param name="Problem">Why it can't be a user here; null if it can.</param>
public sealed record HtpasswdEntry(int Line, string? Name, string Hash, string? Problem);
