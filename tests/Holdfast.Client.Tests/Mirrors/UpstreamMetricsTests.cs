using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using Holdfast.Server.Tests.Hosting;
using Microsoft.AspNetCore.Http;
using Shouldly;
using Xunit;

namespace Holdfast.Client.Tests.Mirrors;

public sealed class UpstreamMetricsTests : IDisposable
{
    private readonly ConcurrentDictionary<string, double> _sums = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, double> _last = new(StringComparer.Ordinal);
    private readonly MeterListener _listener = new();
    private readonly ManualTime _time = new();

    public UpstreamMetricsTests()
    {
        _listener.InstrumentPublished = static (instrument, listener) =>
        {
            if (instrument.Meter.Name == "Holdfast.Upstream")
                listener.EnableMeasurementEvents(instrument);
        };
        _listener.SetMeasurementEventCallback<long>((instrument, value, labels, _) => Note(instrument, value, labels));
        _listener.SetMeasurementEventCallback<int>((instrument, value, labels, _) => Note(instrument, value, labels));
        _listener.SetMeasurementEventCallback<double>((instrument, _, labels, _) => Note(instrument, 1, labels));
        _listener.Start();
    }

    public void Dispose() => _listener.Dispose();

    [Fact]
    public async Task Metrics_OfQuestions_AreCountedByOutcomeAndMirror()
    {
        await using var bad = await Mirroring.ServeAsync(503);
        await using var good = await Upstream.StartAsync((context, _) =>
        {
            context.Response.Headers["ratelimit-limit"] = "100;w=21600";
            context.Response.Headers["ratelimit-remaining"] = "76;w=21600";
            return context.SendManifestAsync();
        });
        using var upstream = Start(bad.Address, good.Address);

        await upstream.GetAsync("v1");
        await upstream.GetAsync("v2");

        Of(_sums, "requests_total", bad, "unavailable").ShouldBe(1);
        Of(_sums, "requests_total", good, "found").ShouldBe(2);
        Of(_sums, "received_bytes_total", good).ShouldBe(2 * Mirroring.Json.Length);
        Of(_sums, "first_byte_seconds", good).ShouldBe(2);
        Of(_last, "resting", bad).ShouldBe(1);
        Of(_last, "resting", good).ShouldBe(0);
        Of(_last, "ratelimit_limit", good).ShouldBe(100);
        Of(_last, "ratelimit_remaining", good).ShouldBe(76);
        upstream.Mirrors[1].Limit.ShouldBe(new RateLimit(100, 76, TimeSpan.FromHours(6)));
    }

    [Theory]
    [InlineData("100")]
    [InlineData("100;w=x")]
    [InlineData("100, 100;window=60")]
    public async Task RateLimit_OfAnotherForm_IsReadAsFarAsItCanBe(string header)
    {
        await using var only = await Upstream.StartAsync((context, _) =>
        {
            context.Response.Headers["RateLimit-Limit"] = header;
            return context.SendManifestAsync();
        });
        using var upstream = Start(only.Address);

        await upstream.GetAsync("v1");

        upstream.Mirrors[0].Limit.ShouldBe(new RateLimit(100, null, null));
    }

    [Theory]
    [InlineData("many")]
    [InlineData("-5")]
    [InlineData("")]
    [InlineData("99999999999999999999999")]
    public async Task RateLimit_ThatIsNoNumber_IsNone(string header)
    {
        await using var only = await Upstream.StartAsync((context, _) =>
        {
            context.Response.Headers["RateLimit-Limit"] = header;
            return context.SendManifestAsync();
        });
        using var upstream = Start(only.Address);

        await upstream.GetAsync("v1");

        upstream.Mirrors[0].Limit.ShouldBeNull();
    }

    private static double Of(ConcurrentDictionary<string, double> values, string name, Upstream mirror, string outcome = "") =>
        values.GetValueOrDefault($"holdfast_upstream_{name} metered {mirror.Address.Authority} {outcome}".TrimEnd(), double.NaN);

    private Client.Upstream Start(params Uri[] addresses) => new Mirroring(addresses) { Cache = "metered", Time = _time }.Start();

    private void Note(Instrument instrument, double value, ReadOnlySpan<KeyValuePair<string, object?>> labels)
    {
        var key = instrument.Name;
        foreach (var label in labels)
            key += $" {label.Value}";
        _sums.AddOrUpdate(key, value, (_, sum) => sum + value);
        _last[key] = value;
    }
}
