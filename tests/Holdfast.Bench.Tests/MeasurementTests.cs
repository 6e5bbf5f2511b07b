using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Holdfast.Bench.Loops;
using Holdfast.Bench.Report;
using Shouldly;
using Xunit;

namespace Holdfast.Bench.Tests;

public class MeasurementTests
{
    private static readonly BenchPlan Get = new() { Workloads = [Workload.Get], Sizes = [1024], Path = "/x", Connections = 4, Seed = 1, Requests = 50 };

    public static TheoryData<string> Ways => ["closed", "open", "three threads", "tls"];

    [Theory]
    [MemberData(nameof(Ways))]
    public async Task Run_OfCountedReads_AsksExactlyThatOften(string way)
    {
        using var certificate = way == "tls" ? Certificate() : null;
        using var server = new FakeServer((_, _) => FakeServer.Ok("abc"), certificate);

        var round = await RoundAsync(server, way switch { "open" => Get with { Rate = 5000 }, "three threads" => Get with { Threads = 3 }, _ => Get });

        round.Completed.ShouldBe(50);
        round.Errors.ShouldBeEmpty();
        round.BytesPerSecond.ShouldBe(3 * round.RequestsPerSecond, tolerance: 1e-6);
        server.Asked.ShouldBe(51); // one more to learn the length
    }

    [Fact]
    public async Task Run_OfAServerThatClosesAfterEachAnswer_Reconnects()
    {
        using var server = new FakeServer((_, _) => "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 3\r\n\r\nabc");

        var round = await RoundAsync(server, Get);

        round.Completed.ShouldBe(50);
        round.Errors.ShouldBeEmpty();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Run_WithBadAnswers_CountsThemByKind(bool tls)
    {
        // The first answer sets the expected length.
        string[] answers = [FakeServer.Ok("abc"), FakeServer.Ok("ab"), FakeServer.Status(507), "", "HTTP/1.1 500 Dead\r\n\r\n<html>"];
        using var certificate = tls ? Certificate() : null;
        using var server = new FakeServer((number, _) => answers[number % 5], certificate);

        var round = await RoundAsync(server, Get with { Requests = 50, Connections = 1 });

        round.Completed.ShouldBe(10);
        round.Failed.ShouldBe(40);
        round.Errors.ShouldBe(
            new Dictionary<string, long>(StringComparer.Ordinal) { ["wrong length"] = 10, ["status 507"] = 10, ["connection closed"] = 10, ["status 500"] = 10 },
            ignoreOrder: true);
    }

    [Fact]
    public async Task Run_OfAnOpenLoopOnASlowServer_ChargesTheWait()
    {
        // 20 requests due within 20 ms, and the first holds up all the others for at least 80.
        using var server = new FakeServer((number, _) => number == 1 ? FakeServer.OkAfter(milliseconds: 80, "abc") : FakeServer.Ok("abc"));

        var round = await RoundAsync(server, Get with { Requests = 20, Rate = 1000, Connections = 1 });

        round.LatencyMilliseconds.P50.ShouldBeGreaterThan(55);
    }

    [Fact]
    public async Task Run_OfAnOpenLoopThatIsNeverCaughtUp_EndsAndCountsWhatWasNotSent()
    {
        using var server = new FakeServer((_, _) => FakeServer.Ok("abc"));

        // Ten in a microsecond, over one connection: nothing answers as fast.
        var round = await RoundAsync(server, Get with { Requests = null, Duration = TimeSpan.FromMilliseconds(200), Warmup = TimeSpan.Zero, Rate = 10_000_000, Connections = 1 });

        round.Completed.ShouldBeGreaterThan(0);
        round.Errors["not sent: behind the timetable"].ShouldBe(2_000_000 - round.Completed);
    }

    [Fact]
    public async Task Run_OfAServerSlowerThanTheDuration_CountsWhatBeganInTheWarmUp()
    {
        using var server = new FakeServer((number, _) => number > 0 ? FakeServer.OkAfter(milliseconds: 600, "abc") : FakeServer.Ok("abc"));

        var round = await RoundAsync(server, Get with { Requests = null, Warmup = TimeSpan.FromMilliseconds(300), Duration = TimeSpan.FromMilliseconds(100), Connections = 2 });

        round.Completed.ShouldBe(2);
        round.LatencyMilliseconds.P50.ShouldBeGreaterThan(500);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Run_OfAServerThatFallsSilent_CountsATimeout(bool tls)
    {
        using var silence = new ManualResetEventSlim();
        using var certificate = tls ? Certificate() : null;
        using var server = new FakeServer((number, _) => { if (number > 0) silence.Wait(); return FakeServer.Ok("abc"); }, certificate);

        var round = await RoundAsync(server, Get with { Requests = 2, Connections = 2, Timeout = TimeSpan.FromMilliseconds(200) });
        silence.Set();

        round.Completed.ShouldBe(0);
        round.Errors.ShouldBe(new Dictionary<string, long>(StringComparer.Ordinal) { ["timeout"] = 2 });
        // No latency is better than one of nothing.
        new ServerResult("x", [round]).Find("p50Milliseconds").ShouldBeNull();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Run_ThatIsStopped_ReportsWhatItHas(bool tls)
    {
        using var stop = new CancellationTokenSource();
        using var silence = new ManualResetEventSlim();
        using var certificate = tls ? Certificate() : null;
        // After forty answers nothing comes any more: whoever stops must not wait for that.
        using var server = new FakeServer((number, _) => { if (number > 40) { stop.Cancel(); silence.Wait(); } return FakeServer.Ok("abc"); }, certificate);

        var report = await new Session(Get with { Requests = 1000 }, [Trusting(server)], "test", TimeProvider.System).RunAsync(_ => { }, stop.Token);
        silence.Set();

        report.Complete.ShouldBeFalse();
        var round = report.Measurements.ShouldHaveSingleItem().Results.ShouldHaveSingleItem().Rounds.ShouldHaveSingleItem();
        round.Completed.ShouldBeInRange(30, 40);
        round.Errors.ShouldBeEmpty();
    }

    [Fact]
    public async Task Run_OfATimetable_TakesItsLastIntervalIntoTheRate()
    {
        using var server = new FakeServer((_, _) => FakeServer.Ok("abc"));

        var round = await RoundAsync(server, Get with { Requests = 2, Rate = 10 });

        // The second one was due after 100 ms: two in that time would be 20 a second.
        round.RequestsPerSecond.ShouldBe(10, tolerance: 0.5);
    }

    [Fact]
    public async Task Run_WithAServerProcessThatEnds_ClaimsNoCpuTimeForIt()
    {
        using var process = System.Diagnostics.Process.Start("sleep", "60");
        using var server = new FakeServer((number, _) =>
        {
            if (number == 25)
            {
                process.Kill();
                process.WaitForExit();
            }
            return FakeServer.Ok("abc");
        });

        var report = await new Session(Get, [server.Server with { Processes = [process.Id] }], "test", TimeProvider.System).RunAsync(_ => { }, CancellationToken.None);

        var result = report.Measurements.ShouldHaveSingleItem().Results.ShouldHaveSingleItem();
        var round = result.Rounds.ShouldHaveSingleItem();
        round.ServerEnded.ShouldBe(true);
        round.ServerCpuSeconds.ShouldBeNull();
        round.ServerPeakBytes.ShouldBeNull();
        result.Notes.ShouldContain(note => note.Contains("--pid ended", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Run_OverTlsThatNobodyTrusts_SaysSo()
    {
        using var certificate = Certificate();
        using var server = new FakeServer((_, _) => FakeServer.Ok("abc"), certificate);

        var report = await new Session(Get, [server.Server], "test", TimeProvider.System).RunAsync(_ => { }, CancellationToken.None);

        report.Measurements.ShouldBeEmpty();
        report.NotMeasured.ShouldHaveSingleItem().Reason.ShouldContain("tls refused");
    }

    [Fact]
    public async Task Run_OfAServerThatRefuses_MeasuresTheOthersAllTheSame()
    {
        using var good = new FakeServer((_, _) => FakeServer.Ok("abc"));
        using var bad = new FakeServer((_, _) => "HTTP/1.1 307 X\r\nLocation: http://elsewhere.example/x\r\nContent-Length: 0\r\n\r\n");

        var report = await new Session(Get with { Rounds = 2 }, [bad.Server with { Name = "bad" }, good.Server], "test", TimeProvider.System).RunAsync(_ => { }, CancellationToken.None);

        var refused = report.NotMeasured.ShouldHaveSingleItem();
        refused.Server.ShouldBe("bad");
        refused.Reason.ShouldContain("elsewhere.example");
        report.Measurements.ShouldHaveSingleItem().Results.ShouldHaveSingleItem().Rounds.Count.ShouldBe(2);
    }

    [Fact]
    public async Task Run_WithATokenThatIsRenewed_SendsTheNewOne()
    {
        var tokens = new HashSet<string>(StringComparer.Ordinal);
        var given = 0;
        using var server = new FakeServer((number, head) =>
        {
            lock (tokens)
                tokens.Add(head.Split("\r\n").Single(line => line.StartsWith("Authorization", StringComparison.Ordinal)));
            return FakeServer.Ok("abc");
        });
        var asking = server.Server with { Grant = (_, _, _) => ValueTask.FromResult($"Bearer {Interlocked.Increment(ref given)}") };
        var target = await Http.Target.FindAsync(asking, CancellationToken.None);
        await target.Grants.AskAsync(Http.Deed.Pull, [""], CancellationToken.None);
        var plan = new ReadPlan(target, [[new Http.Question("GET", Http.Deed.Pull, "", "/x")]]);
        using var halt = new Http.Halt();
        using var connection = new Http.Connection(target, halt, TimeSpan.FromSeconds(10));

        connection.Ask(plan.HeadOf(0, 0), plan.Operations[0][0]);
        (await target.Grants.RenewAsync(CancellationToken.None)).ShouldBeTrue();
        plan.Renew();
        connection.Ask(plan.HeadOf(0, 0), plan.Operations[0][0]);

        tokens.ShouldBe(["Authorization: Bearer 1", "Authorization: Bearer 2"], ignoreOrder: true);
    }

    [Fact]
    public async Task Exchange_OfABodyThatIsRefusedInTheMiddle_SaysWhatTheServerSaid()
    {
        using var server = new FakeServer((_, _) => "HTTP/1.1 507 Full\r\nContent-Length: 4\r\nConnection: close\r\n\r\nfull");
        var target = await Http.Target.FindAsync(server.Server, CancellationToken.None);
        using var halt = new Http.Halt();
        using var connection = new Http.Connection(target, halt, TimeSpan.FromSeconds(10));
        var blob = new Data.BlobSource(256 << 20, 1).Next();

        var head = target.Head("PUT", Http.Deed.Push, "", "/x", $"Content-Length: {blob.Length}\r\n");
        var refused = Should.Throw<Http.RequestFailedException>(() => connection.Say(head, 201, blob.Payload));

        refused.Message.ShouldBe("status 507");
        refused.Said.ShouldBe("full");
    }

    [Fact]
    public async Task Exchange_WithAServerThatReadsSlowly_SendsEachByteOnce()
    {
        using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { ReceiveBufferSize = 4096 };
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen();
        var blob = new Data.BlobSource(8 << 20, 1).Next();
        string? digest = null;
        var reading = new Thread(() =>
        {
            using var socket = listener.Accept();
            var bytes = new byte[4 << 20];
            var length = 0;
            while (!bytes.AsSpan(0, length).EndsWith("\r\n\r\n"u8))
                length += socket.Receive(bytes, length, 1, SocketFlags.None);
            using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
            for (var left = blob.Length; left > 0;)
            {
                // Through a window of a page, so that the sender's buffer, which holds less than all of it, is full again and again.
                var count = socket.Receive(bytes, 0, (int)Math.Min(left, 4096), SocketFlags.None);
                hash.AppendData(bytes, 0, count);
                left -= count;
            }
            digest = Data.BlobSource.Name(hash.GetHashAndReset());
            socket.Send("HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n"u8);
        });
        reading.Start();
        var target = await Http.Target.FindAsync(new BenchServer("slow", new Uri($"http://{listener.LocalEndPoint}")), CancellationToken.None);
        using var halt = new Http.Halt();
        using var connection = new Http.Connection(target, halt, TimeSpan.FromSeconds(10));

        connection.Say(target.Head("PUT", Http.Deed.Push, "", "/x", $"Content-Length: {blob.Length}\r\n"), 201, blob.Payload);

        reading.Join();
        digest.ShouldBe(blob.Digest);
    }

    private static async Task<Round> RoundAsync(FakeServer server, BenchPlan plan)
    {
        var report = await new Session(plan, [Trusting(server)], "test", TimeProvider.System).RunAsync(_ => { }, CancellationToken.None);
        report.NotMeasured.ShouldBeEmpty();
        return report.Measurements.ShouldHaveSingleItem().Results.ShouldHaveSingleItem().Rounds.ShouldHaveSingleItem();
    }

    private static BenchServer Trusting(FakeServer server) => server.Server with { Accepts = static (_, certificate, _, errors) => certificate is not null && errors != SslPolicyErrors.RemoteCertificateNotAvailable };

    private static X509Certificate2 Certificate()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=127.0.0.1", key, HashAlgorithmName.SHA256);
        return request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
    }
}
