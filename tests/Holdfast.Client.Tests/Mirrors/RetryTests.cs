using Holdfast.Server.Tests.Hosting;
using Microsoft.AspNetCore.Http;
using Shouldly;
using Xunit;

namespace Holdfast.Client.Tests.Mirrors;

public class RetryTests
{
    private readonly ManualTime _time = new();

    [Fact]
    public async Task Get_ThatFailsOnce_IsAskedAgainAfterTheRest()
    {
        await using var only = await Upstream.StartAsync((context, number) => number == 1 ? context.AnswerAsync(503) : context.SendManifestAsync());
        using var upstream = Start(only.Address);

        var answering = upstream.GetAsync("v1").AsTask();
        var moved = await Mirroring.MoveUntilAsync(_time, answering);

        (await answering).Failure.ShouldBeNull();
        only.Requests.Count.ShouldBe(2);
        moved.ShouldBeGreaterThanOrEqualTo(TimeSpan.FromSeconds(1));
    }

    [Fact]
    public async Task Get_ThatFailsAlways_IsAskedThreeTimes()
    {
        await using var only = await Mirroring.ServeAsync(503);
        using var upstream = Start(only.Address);

        var answering = upstream.GetAsync("v1").AsTask();
        await Mirroring.MoveUntilAsync(_time, answering);

        (await answering).Outcome.ShouldBe(RegistryOutcome.Unavailable);
        only.Requests.Count.ShouldBe(3);
    }

    [Fact]
    public async Task Get_OfManyThatFail_RetriesWithinTheBudget()
    {
        await using var only = await Mirroring.ServeAsync(503);
        using var upstream = Start(only.Address);

        var answering = Task.WhenAll(Enumerable.Range(0, 16).Select(_ => upstream.GetAsync("v1").AsTask()));
        await Mirroring.MoveUntilAsync(_time, answering);

        // 16 that were sent at once, and three retries.
        only.Requests.Count.ShouldBeInRange(17, 19);
        (await answering).ShouldAllBe(answer => answer.Outcome == RegistryOutcome.Unavailable);
    }

    [Fact]
    public async Task Get_ThatFailsWhenTheAnswerTimeIsOver_IsNotAskedAgain()
    {
        await using var only = await Mirroring.ServeAsync(503);
        using var upstream = new Mirroring(only.Address) { Time = _time, AnswerTimeout = TimeSpan.FromMilliseconds(900) }.Start();

        (await upstream.GetAsync("v1")).Outcome.ShouldBe(RegistryOutcome.Unavailable);
        only.Requests.Count.ShouldBe(1);
    }

    [Fact]
    public void Budget_OfFewRequests_IsThree()
    {
        var budget = new RetryBudget(_time);
        budget.Count();

        Enumerable.Range(0, 5).Count(_ => budget.TryTake()).ShouldBe(3);
    }

    [Fact]
    public void Budget_OfManyRequests_IsATenthOfThem()
    {
        var budget = new RetryBudget(_time);
        for (var i = 0; i < 100; i++)
            budget.Count();

        Enumerable.Range(0, 50).Count(_ => budget.TryTake()).ShouldBe(10);
    }

    [Fact]
    public void Budget_AfterAMinute_IsWholeAgain()
    {
        var budget = new RetryBudget(_time);
        for (var i = 0; i < 100; i++)
            budget.Count();
        while (budget.TryTake())
        {
        }

        _time.Advance(TimeSpan.FromSeconds(49));
        budget.TryTake().ShouldBeFalse();
        _time.Advance(TimeSpan.FromSeconds(11));
        Enumerable.Range(0, 50).Count(_ => budget.TryTake()).ShouldBe(3);
    }

    private Client.Upstream Start(params Uri[] addresses) => new Mirroring(addresses) { Time = _time, AnswerTimeout = TimeSpan.FromHours(1) }.Start();
}
