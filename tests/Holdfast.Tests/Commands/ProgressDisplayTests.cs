using Holdfast.Commands;
using Holdfast.Server.Http;
using Shouldly;
using Xunit;

namespace Holdfast.Tests.Commands;

public sealed class ProgressDisplayTests : IDisposable
{
    private readonly StringWriter _writer = new() { NewLine = "\n" };
    private readonly SteppedTime _time = new();

    public void Dispose() => _writer.Dispose();

    [Theory]
    [InlineData("blobs", 300, 1200L, 10, "hashing: 300 of 1,200 blobs (25 %), 30/s, 30 s left")]
    [InlineData("blobs", 300, null, 10, "hashing: 300 blobs, 30/s")]
    [InlineData("bytes", 1 << 30, 4L << 30, 60, "hashing: 1.0 GiB of 4.0 GiB (25 %), 17.1 MiB/s, 3 min 0 s left")]
    [InlineData("blobs", 1, 100_000L, 10, "hashing: 1 of 100,000 blobs (0 %), 0/s, 277 h 46 min left")]
    [InlineData("blobs", 0, 10L, 10, "hashing: 0 of 10 blobs (0 %)")]
    [InlineData("blobs", 0, 0L, 10, "hashing: 0 of 0 blobs")]
    public void Describe_Progress_HasRateAndTimeLeft(string unit, long done, long? total, int seconds, string words) =>
        ProgressDisplay.Describe(new AdminProgress("hashing", done, total, unit), done, TimeSpan.FromSeconds(seconds)).ShouldBe(words);

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Show_WorkUnderASecond_ShowsNothing(bool isTerminal)
    {
        using (var display = new ProgressDisplay(_writer, isTerminal, _time))
        {
            _time.Step(TimeSpan.FromMilliseconds(999));
            display.Show(new AdminProgress("hashing", 1, 2, "blobs"));
        }
        _writer.ToString().ShouldBeEmpty();
    }

    [Fact]
    public void Show_OnATerminal_RewritesOneLineAndTakesItAway()
    {
        using (var display = new ProgressDisplay(_writer, isTerminal: true, _time))
        {
            display.Show(new AdminProgress("hashing", 10, 40, "blobs"));
            for (var done = 20; done <= 30; done += 10)
            {
                _time.Step(TimeSpan.FromSeconds(2));
                display.Show(new AdminProgress("hashing", done, 40, "blobs"));
            }
        }
        _writer.ToString().ShouldBe("\r\x1b[Khashing: 20 of 40 blobs (50 %), 5/s, 4 s left\r\x1b[Khashing: 30 of 40 blobs (75 %), 5/s, 2 s left\r\x1b[K");
    }

    [Fact]
    public void Show_OffATerminal_WritesALineEveryFewSeconds()
    {
        using (var display = new ProgressDisplay(_writer, isTerminal: false, _time))
        {
            for (var done = 0; done <= 12; done++)
            {
                display.Show(new AdminProgress("hashing", done, null, "blobs"));
                _time.Step(TimeSpan.FromSeconds(1));
            }
        }
        _writer.ToString().ShouldBe("hashing: 1 blob, 1/s\nhashing: 6 blobs, 1/s\nhashing: 11 blobs, 1/s\n");
    }

    private sealed class SteppedTime : TimeProvider
    {
        private long _now = 1;

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => _now;

        public void Step(TimeSpan span) => _now += span.Ticks;
    }
}
