namespace EndToEnd.Servers;

/// <summary>How a client reaches a registry and what it must show.</summary>
public enum Mode
{
    /// <summary>HTTP, everyone may do everything.</summary>
    Plain,

    /// <summary>HTTPS with a certificate of the test's own authority.</summary>
    Tls,

    /// <summary>HTTP, Basic.</summary>
    Basic,

    /// <summary>HTTPS, Bearer tokens from the registry's own token endpoint.</summary>
    Bearer,

    /// <summary>HTTPS, Bearer; pushes with a password, pulls without.</summary>
    AnonymousPull,
}

internal sealed record Credentials(string User, string Password);

/// <summary>One registry's address as clients write it, and what they need to use it.</summary>
/// <param name="Authority">The certificate authority's PEM file, alone in its folder under the name ca.crt; null: plain HTTP.</param>
internal sealed record Endpoint(Mode Mode, string Host, string? Authority, Credentials? Credentials)
{
    public Uri Url => new($"{(IsTls ? "https" : "http")}://{Host}/");

    public bool IsTls => Authority is not null;

    /// <summary>The same registry as pulling clients use it: without the password where that must do.</summary>
    public Endpoint ForPull => Mode == Mode.AnonymousPull ? this with { Credentials = null } : this;
}
