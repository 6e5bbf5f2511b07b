using System.Text.RegularExpressions;
using FsCheck;
using FsCheck.Fluent;
using Holdfast.Testing;
using Shouldly;
using Xunit;

namespace Holdfast.Oci.Tests;

public partial class DigestTests
{
    private const string Empty256 = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    private const string Empty512 =
        "sha512:cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce47d0d13c5d85f2b0ff8318d2877eec2f63b931bd47417a81a538327af927da3e";

    [GeneratedRegex(@"\A(sha256:[a-f0-9]{64}|sha512:[a-f0-9]{128})\z", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture)]
    private static partial Regex Oracle();

    private static readonly Gen<string> AlmostDigests =
        from digest in Gen.Elements(Empty256, Empty512)
        from at in Gen.Choose(0, digest.Length)
        from removed in Gen.Elements(0, 0, 0, 1, 64)
        from put in Gen.Elements("", "", "0", "A", "g", "\n", ":", "a", "é", " ", "sha256:")
        select digest.Remove(at, Math.Min(removed, digest.Length - at)).Insert(at, put);

    [Fact]
    public void TryParse_AlmostDigests_AgreesWithTheExpression() =>
        Prop.ForAll(Arb.From(AlmostDigests), text =>
        {
            var expected = Oracle().IsMatch(text);

            Digest.TryParse(text, out var digest).ShouldBe(expected);
            Digest.TryParse(text.AsSpan(), out var fromSpan).ShouldBe(expected);

            digest.ShouldBe(fromSpan);
            digest.IsNone.ShouldBe(!expected);
            digest.ToString().ShouldBe(expected ? text : "");
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(10_000));

    [Theory]
    [InlineData("")]
    [InlineData("sha256")]
    [InlineData("sha256:")]
    [InlineData("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")]
    [InlineData("sha256:E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855")]
    [InlineData("SHA256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")]
    [InlineData("sha512:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")]
    [InlineData("sha384:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")]
    [InlineData(Empty256 + "\n")]
    [InlineData(" " + Empty256)]
    [InlineData("sha256:../../../../../../../../../../../../../../../../../../../../etc/pass")]
    [Spec("1.1.1", "Pulling manifests")]
    public void TryParse_Malformed_IsNone(string text)
    {
        Digest.TryParse(text, out var digest).ShouldBeFalse();
        digest.IsNone.ShouldBeTrue();
    }

    [Theory]
    [InlineData(DigestAlgorithm.Sha256, Empty256)]
    [InlineData(DigestAlgorithm.Sha512, Empty512)]
    public void Compute_NoBytes_IsTheKnownHash(DigestAlgorithm algorithm, string expected)
    {
        var digest = Digest.Compute(algorithm, []);

        digest.ToString().ShouldBe(expected);
        digest.Algorithm.ShouldBe(algorithm);
        digest.Hex.ToString().ShouldBe(expected[7..]);
    }

    [Fact]
    public void ToBytes_AnyDigest_ComesBackFromBytes() =>
        Prop.ForAll(Arb.From(Gen.Zip(Gen.Elements(DigestAlgorithm.Sha256, DigestAlgorithm.Sha512), Gen.Choose(0, int.MaxValue))), drawn =>
        {
            var digest = Digest.Compute(drawn.Item1, BitConverter.GetBytes(drawn.Item2));

            Digest.FromBytes(digest.ToBytes()).ShouldBe(digest);
            Digest.Parse(digest.ToString()).GetHashCode().ShouldBe(digest.GetHashCode());
        }).Check(Config.QuickThrowOnFailure);

    [Fact]
    public void FromBytes_WrongLengthOrAlgorithm_Throws()
    {
        var bytes = Digest.Parse(Empty256).ToBytes();

        Should.Throw<FormatException>(() => Digest.FromBytes(bytes.AsSpan(1)));
        Should.Throw<FormatException>(() => Digest.FromBytes(bytes.AsSpan(0, 32)));
        Should.Throw<FormatException>(() => Digest.FromBytes([9, .. bytes.AsSpan(1)]));
        Should.Throw<FormatException>(() => Digest.FromBytes([]));
        Should.Throw<ArgumentException>(() => Digest.FromHash(DigestAlgorithm.Sha512, bytes.AsSpan(1)));
    }

    [Fact]
    public void Default_EveryPart_Throws()
    {
        Should.Throw<InvalidOperationException>(() => default(Digest).Algorithm);
        Should.Throw<InvalidOperationException>(() => default(Digest).Hex.Length);
        Should.Throw<InvalidOperationException>(() => default(Digest).ToBytes());
        default(Digest).ToString().ShouldBe("");
    }

    [Theory]
    [InlineData("sha256", DigestAlgorithm.Sha256)]
    [InlineData("sha512", DigestAlgorithm.Sha512)]
    [InlineData("sha384", (DigestAlgorithm)0)]
    [InlineData("SHA256", (DigestAlgorithm)0)]
    [InlineData("", (DigestAlgorithm)0)]
    [Spec("dev", "Pushing blobs")]
    public void TryParse_AlgorithmName_IsRegisteredOrNot(string name, DigestAlgorithm expected)
    {
        DigestAlgorithms.TryParse(name, out var algorithm).ShouldBe(expected != 0);
        algorithm.ShouldBe(expected);
    }
}
