using System.Text;
using FsCheck;
using FsCheck.Fluent;
using Shouldly;
using Xunit;

namespace Holdfast.Oci.Tests;

public class ManifestMutationTests
{
    private static readonly byte[][] Seeds =
        [.. new[] { Bodies.Image, Bodies.Index, Bodies.DockerImage, Bodies.DockerList }.Select(Encoding.UTF8.GetBytes)];

    // Bytes that mean something to a JSON reader come up more often than the rest.
    private static readonly Gen<byte> AnyByte = Gen.OneOf(
        Gen.Elements("{}[]\",:\\u/-+.eE0123456789dDcC\n\0"u8.ToArray()), Gen.Choose(0, 255).Select(value => (byte)value));

    private static readonly Gen<byte[]> Mutated =
        from seed in Gen.Elements(Seeds)
        from edits in Gen.Zip(Gen.Choose(0, 3), Gen.Zip(Gen.Choose(0, seed.Length - 1), AnyByte)).ListOf()
        select edits.Aggregate(seed, (body, edit) => Apply(body, edit.Item1, edit.Item2.Item1, edit.Item2.Item2));

    [Fact]
    public void TryParse_MutatedBytes_NeverThrowsAndAlwaysSaysWhy() =>
        Prop.ForAll(Arb.From(Mutated), body =>
        {
            if (ManifestParser.TryParse(body, null, out var manifest, out var problem))
            {
                problem.ShouldBeNull();
                manifest.Layers.Concat(manifest.Children).ShouldAllBe(descriptor => !descriptor.Digest.IsNone && descriptor.SizeBytes >= 0);
            }
            else
            {
                manifest.ShouldBeNull();
                problem.ShouldNotBeNullOrWhiteSpace();
                problem.Length.ShouldBeLessThan(600);
            }
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(3_000));

    // Replaces one byte, puts one in, takes up to eight out, or cuts the rest off.
    private static byte[] Apply(byte[] body, int kind, int at, byte value)
    {
        at = Math.Min(at, body.Length);
        var rest = body.AsSpan(at);
        return kind switch
        {
            0 when rest.Length > 0 => [.. body.AsSpan(0, at), value, .. rest[1..]],
            1 => [.. body.AsSpan(0, at), value, .. rest],
            2 => [.. body.AsSpan(0, at), .. rest[Math.Min(value % 8, rest.Length)..]],
            _ => value < 16 ? body[..at] : body,
        };
    }
}
