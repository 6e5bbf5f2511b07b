using System.CommandLine;

namespace Holdfast.Commands;

/// <summary><c>holdfast containerd hosts|check</c>: what nodes need to pull through this server.</summary>
internal static class ContainerdCommand
{
    public static Command Create() => new("containerd", """
        Sends containerd's nodes to this server, and finds out why one doesn't go there.

          holdfast containerd hosts --config holdfast.yaml --server 10.0.0.5 --output certs.d     a hosts.toml for every cache and hosted registry
          holdfast containerd check                                                               on a node: what is wrong with its configuration

        docs/nodes.md has the whole way, for containerd 1.6, 1.7 and 2.
        """)
    {
        ContainerdHostsCommand.Create(),
        ContainerdCheckCommand.Create(),
    };
}
