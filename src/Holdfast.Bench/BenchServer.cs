using System.Net.Security;
using Holdfast.Bench.Http;

namespace Holdfast.Bench;

/// <summary>A server that is measured.</summary>
/// <param name="Name">For reports.</param>
/// <param name="Address">Scheme, host and port.</param>
internal sealed record BenchServer(string Name, Uri Address)
{
    /// <summary>Processes on this machine whose CPU time and memory are its own.</summary>
    public IReadOnlyList<int> Processes { get; init; } = [];

    /// <summary>Whom to trust beside the machine's authorities; null: nobody.</summary>
    public RemoteCertificateValidationCallback? Accepts { get; init; }

    /// <summary>Null: requests carry no Authorization.</summary>
    public GrantSource? Grant { get; init; }
}
