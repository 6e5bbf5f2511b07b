using System.Text.RegularExpressions;
using Holdfast.Configuration;
using Shouldly;
using Xunit;

namespace Holdfast.Tests.Configuration;

/// <summary>What is written about the configuration says what the program does.</summary>
public sealed class ConfigurationFilesTests(ConfigurationFolder folder) : IClassFixture<ConfigurationFolder>
{
    [Fact]
    public void Reference_InDocs_IsWhatTheProgramWrites() =>
        Read("configuration.md").ShouldBe(ConfigurationReference.Write(), "write it anew: holdfast config reference > docs/configuration.md");

    [Fact]
    public void Sample_AsItIs_IsFine()
    {
        var result = folder.Load(ConfigurationSample.Read());
        ConfigurationFolder.Lines(result).ShouldBeEmpty();
        result.Configuration!.Server.Listeners.ShouldHaveSingleItem();
    }

    /// <summary>A commented key begins with "# key:" or "# - "; a sentence doesn't.</summary>
    [Fact]
    public void Sample_Uncommented_IsFineAndHasEveryKey()
    {
        var sample = Regex.Replace(ConfigurationSample.Read(), @"^(?<indent> *)# (?= |- |[a-zA-Z]+:( |$))", "${indent}", RegexOptions.Multiline | RegexOptions.ExplicitCapture);
        // What it names lies elsewhere.
        sample = sample.Replace("/etc/holdfast/tls/fullchain.pem", "tls.pem", StringComparison.Ordinal)
            .Replace("/etc/holdfast/tls/privkey.pem", "tls.key", StringComparison.Ordinal)
            .Replace("/etc/holdfast/htpasswd", "users", StringComparison.Ordinal)
            .Replace("operator", "viewer", StringComparison.Ordinal)
            .Replace("/etc/holdfast/mirror.password", "users", StringComparison.Ordinal)
            .Replace("/etc/holdfast/dockerhub.password", "password", StringComparison.Ordinal)
            .Replace("/etc/holdfast/upstream-ca.pem", "tls.pem", StringComparison.Ordinal)
            .Replace("/etc/holdfast/in-use.txt", "users", StringComparison.Ordinal)
            .Replace("/srv/backup/holdfast", ".", StringComparison.Ordinal);
        var result = folder.Load(sample);
        ConfigurationFolder.Lines(result).ShouldBeEmpty();
        result.Configuration!.Server.Listeners.Count.ShouldBe(3);
        result.Configuration.Server.Registries[1].Auth!.Access.Count.ShouldBe(3);
        result.Configuration.Server.Registries.Count(r => r.Cache is not null).ShouldBe(2);
        foreach (var (path, key) in Schema.Keys)
            sample.ShouldMatch($@"(?m)^[ -]*{Regex.Escape(key.Name)}:", path);
    }

    [Fact]
    public void ContainerConfiguration_AsItIs_IsFine()
    {
        var result = folder.Load(Read("holdfast.container.yaml"));
        ConfigurationFolder.Lines(result).ShouldBeEmpty();
        result.Configuration!.Notes.ShouldHaveSingleItem().ShouldContain("to everyone who can reach it");
    }

    private static string Read(string name) => File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "files", name));
}
