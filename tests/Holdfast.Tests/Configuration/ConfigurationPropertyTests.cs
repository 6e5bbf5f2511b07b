using System.Globalization;
using System.Text;
using FsCheck;
using FsCheck.Fluent;
using Holdfast.Configuration;
using Holdfast.Testing;
using Shouldly;
using Xunit;

namespace Holdfast.Tests.Configuration;

public sealed class ConfigurationPropertyTests(ConfigurationFolder folder) : IClassFixture<ConfigurationFolder>
{
    private const string Rules = """
        heal:
          donors:
            - { registry: https://mirror.example, username: a, passwordFile: users }
            - folder: .
        scrub: { rate: 50MiB/s }
        retention:
          - registries: [default]
            repositories: ["team/**"]
            keepNewest: 10
            keepTags: ["v*"]
            inUse: [users, "https://cluster.example/x"]
            maxRemoved: 25%
            schedule: "0 2 * * *"
          - { registries: ["*"], repositories: ["**"], untaggedAfter: 30d }
        """;

    private static readonly string[] Pieces =
    [
        "data", "listeners", "url", "tls", "registry", "registries", "default", "auth", "none", "htpasswd", "access", "users", "actions", "log", "level", "upstream",
        ":", ": ", ":\n", "\n", "\n  ", "\n    ", "- ", "\n- ", "[", "]", "{", "}", ", ", "\"", "'", "#", "&a ", "*a", "!x ", "|", ">", "? ", "---\n", "...\n", "%YAML 1.2\n",
        "\t", "~", "null", "true", "-1", "5GiB", "24h", "http://127.0.0.1:5000", "https://[::1]:0", "\0", "\r", "é", "\u2028", "\uFEFF", "<<", "\\", "@", "`",
    ];

    [Fact]
    [Promise("P9")]
    public void Load_AnyText_ProblemsOrAConfigurationButNeverAThrow()
    {
        var texts = Gen.Elements(Pieces).ListOf().Select(string.Concat).ToArbitrary();
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(5_000).WithEndSize(60), Prop.ForAll(texts, text => Holds(folder.Load(text))));
    }

    /// <summary>Near the truth: a good file in which one place was damaged.</summary>
    [Theory]
    [InlineData("")]
    [InlineData(Rules)]
    [Promise("P9")]
    public void Load_DamagedSample_ProblemsOrAConfigurationButNeverAThrow(string more)
    {
        var sample = more.Length > 0 ? more : ConfigurationSample.Read();
        folder.Load(sample).Problems.ShouldBeEmpty();
        var damage = (from at in Gen.Choose(0, sample.Length - 1) from length in Gen.Choose(0, 30) from piece in Gen.Elements(Pieces) select (at, length, piece)).ToArbitrary();
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(1_000), Prop.ForAll(damage, d =>
            Holds(folder.Load(new StringBuilder(sample).Remove(d.at, Math.Min(d.length, sample.Length - d.at)).Insert(d.at, d.piece).ToString()))));
    }

    [Fact]
    [Promise("P9")]
    public void Load_AnyVariable_ProblemsOrAConfigurationButNeverAThrow()
    {
        var names = Gen.Elements("LISTENERS", "0", "1", "URL", "TLS", "REGISTRIES", "PRIVATE", "AUTH", "ACCESS", "USERS", "LOG", "DATA", "TRASH", "KEEP", "RETENTION", "KEEPTAGS", "SCHEDULE", "HEAL", "DONORS", "FOLDER", "REGISTRY", "X", "").ListOf();
        var variables = (from name in names from value in Gen.Elements("", "none", "a,b", "5", "*", ".", "http://127.0.0.1:1") select ("HOLDFAST_" + string.Join('_', name), value)).ToArbitrary();
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(2_000), Prop.ForAll(variables, v => Holds(folder.Load("log: []\nlisteners:\n  - url: http://127.0.0.1:1\n", null, v))));
    }

    [Fact]
    [Promise("P9")]
    public void Load_KeyOfSeveralLines_IsStillOneLine() =>
        Holds(folder.Load("? true24h, registry\n\n  log{? registries\n")).ShouldBeTrue();

    [Fact]
    public void Size_Formatted_ReadsBack() =>
        Prop.ForAll(ArbMap.Default.ArbFor<long>(), n =>
        {
            var bytes = n == long.MinValue ? 0 : Math.Abs(n);
            return Quantity.ParseSize(Quantity.Format(bytes), out var back) is null && back == bytes
                && Quantity.ParseSize(bytes.ToString(CultureInfo.InvariantCulture), out back) is null && back == bytes;
        }).QuickCheckThrowOnFailure();

    private static bool Holds(LoadResult result)
    {
        (result.Configuration is null).ShouldBe(result.Problems.Any(p => p.Weight == ProblemWeight.Error));
        return result.Problems.All(p => !p.ToString().AsSpan().ContainsAny('\n', '\r', '\0'));
    }
}
