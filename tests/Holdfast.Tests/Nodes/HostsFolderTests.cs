using Shouldly;
using Xunit;

namespace Holdfast.Tests.Nodes;

public sealed class HostsFolderTests : IDisposable
{
    private const string Fine = "server = \"https://ghcr.io\"\n[host.\"http://10.0.0.5:5001\"]\ncapabilities = [\"pull\", \"resolve\"]\n";

    private readonly NodeFolder _node = new();

    public HostsFolderTests() => _node.Write("certs.d/ghcr.io/hosts.toml", Fine);

    public void Dispose() => _node.Dispose();

    [Fact]
    public void Check_FilesThatContainerdReads_AreFine()
    {
        _node.Write("certs.d/registry.example_5000_/hosts.toml", "server = \"https://registry.example:5000\"\n[host.\"https://registry.example:5000\"]\nskip_verify = true\n[host.\"https://registry.example:5000\".header]\nx = \"y\"");
        _node.CheckHosts().ShouldBeEmpty();
    }

    [Theory]
    [InlineData("server = \"https://x.example\"", "noHostTable hosts.toml: has no [host.\"…\"]: containerd 1.6 and 1.7 skip such a file")]
    [InlineData("[[host]]\nurl = \"http://10.0.0.5:5001\"", "noHostTable hosts.toml:1: host is no table")]
    [InlineData("[host]\n\"http://10.0.0.5:5001\" = [\"pull\"]", "hostsType hosts.toml:2: host.http://10.0.0.5:5001 is no table")]
    [InlineData("[host.\"10.0.0.5:5001\"]", "noScheme hosts.toml:1: '10.0.0.5:5001' has no scheme, and https is taken")]
    [InlineData("[host.\"http://\"]", "hostsUrl hosts.toml:1: 'http://' is no URL such as http://10.0.0.5:5000; containerd skips the whole file, and asks x.example itself")]
    [InlineData("[host.\"http://10.0.0.5:5001\"]\ncapabilites = [\"pull\"]", "hostsKey hosts.toml:2: containerd knows no key 'capabilites' here, and passes over it; did you mean capabilities?")]
    [InlineData("[host.\"http://10.0.0.5:5001\"]\ncapabilities = [\"pul\"]", "capability hosts.toml:2: 'pul' is no capability (pull, resolve, push); containerd skips the whole file")]
    [InlineData("[host.\"http://10.0.0.5:5001\"]\ncapabilities = [\"referrers\"]", "capability hosts.toml:2: before containerd 2.2")]
    [InlineData("[host.\"http://10.0.0.5:5001\"]\ncapabilities = \"pull\"", "hostsType hosts.toml:2: capabilities is no list")]
    [InlineData("[host.\"https://10.0.0.5:5001\"]\nskip_verify = \"true\"", "hostsType hosts.toml:2: skip_verify is true or false, without quotes")]
    [InlineData("[host.\"http://10.0.0.5:5001\"]\nskip_verify = true", "tlsForHttp hosts.toml:2: skip_verify is for https, and http://10.0.0.5:5001 is http")]
    [InlineData("[host.\"https://10.0.0.5:5001\"]\nca = \"ca.crt\"", "caMissing hosts.toml:2: no file ")]
    [InlineData("[host.http://10.0.0.5:5001]", "toml hosts.toml:1: not valid TOML")]
    [InlineData("server = \"http://x.example:5050\"\n[host.\"http://x.example:5050\"]", "portFolderMissing certs.d/x.example: leads to x.example:5050, and there is no folder x.example:5050")]
    public void Check_WhatIsNotDoneAsMeant_IsOneFinding(string toml, string expected)
    {
        _node.Write("certs.d/x.example/hosts.toml", toml);
        _node.CheckHosts().ShouldHaveSingleItem().Replace("certs.d/x.example/hosts.toml", "hosts.toml", StringComparison.Ordinal).ShouldStartWith(expected);
    }

    [Theory]
    [InlineData("certs.d/_default/hosts.toml", "wildcard certs.d/_default: is taken for every registry that has no folder of its own")]
    [InlineData("certs.d/hosts.toml", "strayFile certs.d/hosts.toml: is not read: each name has a folder of its own")]
    [InlineData("certs.d/quay.io/host.toml", "noHosts certs.d/quay.io: has no hosts.toml, so that nothing is mirrored: images of quay.io are asked of quay.io itself; is host.toml meant to be it?")]
    public void Check_FoldersThatCatchTooMuchOrNothing_AreFindings(string path, string expected)
    {
        _node.Write(path, Fine);
        _node.CheckHosts().ShouldHaveSingleItem().ShouldStartWith(expected);
    }

    [Fact]
    public void Check_TwoFoldersOfOneName_IsAFinding()
    {
        _node.Write("certs.d/x.example:5000/hosts.toml", Fine);
        _node.Write("certs.d/x.example_5000_/hosts.toml", Fine);
        _node.CheckHosts().ShouldHaveSingleItem().ShouldStartWith("twoFolders certs.d/x.example_5000_: and certs.d/x.example:5000 are for the same name, and containerd reads certs.d/x.example_5000_ alone");
    }
}
