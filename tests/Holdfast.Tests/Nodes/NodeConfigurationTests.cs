using Shouldly;
using Xunit;

namespace Holdfast.Tests.Nodes;

public sealed class NodeConfigurationTests : IDisposable
{
    private const string Two = "[plugins.\"io.containerd.grpc.v1.cri\".registry]\n";
    private const string Three = "[plugins.'io.containerd.cri.v1.images'.registry]\n";

    private readonly NodeFolder _node = new();

    public NodeConfigurationTests() => Directory.CreateDirectory(_node.Certs);

    public void Dispose() => _node.Dispose();

    [Theory]
    [InlineData("version = 2\n" + Two + "config_path = \"$/certs.d\"")]
    [InlineData("version = 3\n" + Three + "config_path = '$/certs.d'")]
    [InlineData("version = 3\n" + Three + "config_path = '$/certs.d:/etc/docker/certs.d'")]
    [InlineData("[plugins.cri.registry]\nconfig_path = \"$/certs.d\"")]
    [InlineData("version = 2\nplugins.\"io.containerd.grpc.v1.cri\".registry.config_path = \"$/certs.d\"")]
    public void Check_WhatContainerdReads_IsFine(string toml)
    {
        _node.Write("config.toml", toml);
        _node.CheckConfiguration().ShouldBeEmpty();
    }

    [Theory]
    [InlineData("version = 2\n", "configPathUnset config.toml: config_path is not set")]
    [InlineData("version = 2\n" + Two, "configPathUnset config.toml: config_path is not set")]
    [InlineData("version = 2\n" + Two + "config_path = \"\"", "configPathUnset config.toml:3: config_path is empty")]
    [InlineData("version = 2\n" + Two + "# config_path = \"$/certs.d\"", "configPathUnset config.toml: config_path is not set")]
    [InlineData("version = 2\n" + Two + "config_path = '\"$/certs.d\"'", "configPathQuoted config.toml:3: config_path has quotes or spaces inside its quotes")]
    [InlineData("version = 2\n" + Two + "config_path = 1", "configPathType config.toml:3: config_path is no text")]
    [InlineData("version = 2\n" + Two + "config_path = \"$/nowhere\"", "configPathMissing config.toml:3: $/nowhere: there is no such folder")]
    [InlineData("version = 2\n[plugins.io.containerd.grpc.v1.cri.registry]\nconfig_path = \"$/certs.d\"", "pluginUnquoted config.toml:2: the plugin's name must be in quotes, [plugins.\"io.containerd.grpc.v1.cri\".registry]")]
    [InlineData("version = 3\n" + Two + "config_path = \"$/certs.d\"", "wrongSection config.toml:2: [plugins.\"io.containerd.grpc.v1.cri\".registry] is not read in a file with version = 3; write [plugins.\"io.containerd.cri.v1.images\".registry]")]
    [InlineData("version = 2\n" + Three + "config_path = \"$/certs.d\"", "wrongSection config.toml:2: [plugins.\"io.containerd.cri.v1.images\".registry] is not read in a file with version = 2, where only containerd 2 knows this name")]
    [InlineData("version = 2\n[plugins.cri.registry]\nconfig_path = \"$/certs.d\"", "wrongSection config.toml:2: [plugins.\"cri\".registry] is not read in a file with version = 2")]
    [InlineData(Two + "config_path = \"$/certs.d\"", "wrongSection config.toml:1: [plugins.\"io.containerd.grpc.v1.cri\".registry] is not read in a file with no `version`")]
    [InlineData("version = 2\n[plugins.\"io.containerd.grpc.v1.cri\"]\nconfig_path = \"$/certs.d\"", "configPathMisplaced config.toml:3: config_path stands in the plugin's own section")]
    [InlineData("version = 2\n" + Two + "config_path = \"$/certs.d\"\n[plugins.\"io.containerd.grpc.v1.cri\".registry.mirrors.\"docker.io\"]\nendpoint = []", "registryMirrors config.toml:4: registry.mirrors stands beside config_path")]
    [InlineData("version = 2\n" + Two + "config_path = \"$/certs.d\"\n[plugins.\"io.containerd.grpc.v1.cri\".registry.configs.\"a\".tls]\nca_file = \"x\"", "registryMirrors config.toml:4: registry.configs.….tls stands beside config_path")]
    [InlineData("version = 2\ndisabled_plugins = [\"cri\"]\n" + Two + "config_path = \"$/certs.d\"", "criDisabled config.toml:2: the plugin cri is off")]
    [InlineData("version = 2\n" + Two + "config_path = $/certs.d", "toml config.toml:3: not valid TOML: expected a value, and there is /; containerd doesn't start with it")]
    [InlineData("version = 2\nimports = [\"more.toml\"]\n" + Two + "config_path = \"$/certs.d\"", "importMissing config.toml:2: imports $/more.toml, which isn't there")]
    public void Check_WhatIsIgnored_IsOneFinding(string toml, string expected)
    {
        _node.Write("config.toml", toml);
        _node.CheckConfiguration().ShouldHaveSingleItem().ShouldStartWith(expected.Replace("$/", "", StringComparison.Ordinal));
    }

    [Fact]
    public void Check_NoFile_IsAFinding() => _node.CheckConfiguration().ShouldHaveSingleItem().ShouldStartWith("configMissing config.toml: there is no such file");

    /// <summary>containerd 1 takes a plugin's whole section from the last file that has it.</summary>
    [Fact]
    public void Check_Imports_AreReadAndMayTakeSettingsAway()
    {
        _node.Write("config.toml", "version = 2\nimports = [\"conf.d/*.toml\"]\n" + Two + "config_path = \"$/certs.d\"");
        _node.Write("conf.d/nvidia.toml", "version = 2\n[plugins.\"io.containerd.grpc.v1.cri\".containerd]\ndefault_runtime_name = \"nvidia\"");
        _node.CheckConfiguration().ShouldHaveSingleItem().ShouldStartWith("importReplaces conf.d/nvidia.toml:2: imported, it takes the place of the whole section in config.toml");
        _node.Write("config.toml", "version = 2\nimports = [\"conf.d/*.toml\"]\n");
        _node.Write("conf.d/nvidia.toml", "version = 2\n" + Two + "config_path = \"$/certs.d\"");
        _node.CheckConfiguration().ShouldBeEmpty();
    }
}
