using System.Text;
using Holdfast.Server.Auth;
using Shouldly;
using Xunit;

namespace Holdfast.Server.Tests.Auth;

public class BcryptTests
{
    // The first vector that crypt_blowfish publishes; for ASCII passwords the three kinds agree.
    private const string Known = "$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW";

    [Theory]
    [InlineData("$2a")]
    [InlineData("$2b")]
    [InlineData("$2y")]
    public void Verify_EachKind_AcceptsOnlyTheRightPassword(string kind)
    {
        Bcrypt.Verify("U*U"u8, kind + Known).ShouldBeTrue();
        Bcrypt.Verify("U*V"u8, kind + Known).ShouldBeFalse();
        Bcrypt.Verify(""u8, kind + Known).ShouldBeFalse();
    }

    [Fact]
    public void Hash_ThenVerify_RoundTripsWithANewSaltEachTime()
    {
        var first = Bcrypt.Hash("pässword"u8, 4);
        var second = Bcrypt.Hash("pässword"u8, 4);
        first.ShouldStartWith("$2y$04$");
        first.Equals(second, StringComparison.Ordinal).ShouldBeFalse();
        Bcrypt.Verify("pässword"u8, first).ShouldBeTrue();
        Bcrypt.Verify("password"u8, first).ShouldBeFalse();
    }

    [Fact]
    public void Verify_NulAfterTheRightPassword_IsWrong() => Bcrypt.Verify("U*U\0x"u8, "$2y" + Known).ShouldBeFalse();

    [Fact]
    public void Verify_LongerThanTheLibraryTakes_IsWrong() => Bcrypt.Verify(new byte[4000].Select(_ => (byte)'a').ToArray(), "$2y" + Known).ShouldBeFalse();

    [Fact]
    public void Hash_PasswordThatWouldBeCut_Throws()
    {
        Should.Throw<ArgumentException>(() => Bcrypt.Hash(Encoding.ASCII.GetBytes(new string('a', 73)), 4));
        Should.Throw<ArgumentException>(() => Bcrypt.Hash("a\0b"u8.ToArray(), 4));
        Bcrypt.Hash(Encoding.ASCII.GetBytes(new string('a', 72)), 4).Length.ShouldBe(60);
    }

    [Theory]
    [InlineData("$2y$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOe", false)]
    [InlineData("$2x$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", false)]
    [InlineData("$2y$5x$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", false)]
    [InlineData("$2y$05$CCCCCCCCCCCCCCCCCCCCC:E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", false)]
    [InlineData("$2y$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", true)]
    public void TryReadCost_Text_TellsABcryptHash(string hash, bool expected)
    {
        Bcrypt.TryReadCost(hash, out var cost).ShouldBe(expected);
        if (expected)
            cost.ShouldBe(5);
    }

    [Fact]
    [Holdfast.Testing.Promise("P10")]
    public async Task TryVerify_MoreThanMayWait_IsRefused()
    {
        using var queue = new BcryptQueue(threads: 1, waiting: 2);
        var slow = Bcrypt.Hash("x"u8, 10);
        var accepted = new List<Task<bool>>();
        var refused = 0;
        for (var i = 0; i < 10; i++)
        {
            if (queue.TryVerify("x"u8.ToArray(), slow, out var verified))
                accepted.Add(verified);
            else
                refused++;
        }
        refused.ShouldBeGreaterThanOrEqualTo(7);
        (await Task.WhenAll(accepted)).ShouldAllBe(right => right);
    }
}
