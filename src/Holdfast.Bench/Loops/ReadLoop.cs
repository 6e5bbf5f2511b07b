using System.Diagnostics;
using System.Net.Sockets;
using System.Security.Cryptography;
using Holdfast.Bench.Http;
using Holdfast.Bench.Measure;

namespace Holdfast.Bench.Loops;

/// <summary>One thread that keeps several connections busy with requests made in advance; plain HTTP only.</summary>
internal sealed class ReadLoop : IDisposable
{
    private const long IdleWaitNanoseconds = 100_000_000;

    private readonly Course _course;
    private readonly ReadPlan _plan;
    private readonly Lane[] _lanes;
    private readonly Poll _poll;
    private readonly byte[] _received = new byte[256 * 1024];
    private readonly bool _isUsedUp;
    private int _turn;
    private int _busy;
    private long _nextLook;

    /// <param name="first">Where in the plan's operations to begin, so that threads don't march in step.</param>
    /// <param name="usedUp">Shared by all threads if an operation can be done once only; null: they go round.</param>
    public ReadLoop(Course course, ReadPlan plan, int connections, int first, Turnstile? usedUp)
    {
        _course = course;
        _plan = plan;
        _turn = first;
        Turnstile = usedUp;
        _isUsedUp = usedUp is not null;
        _poll = new Poll(connections);
        _lanes = [.. Enumerable.Range(0, connections).Select(index => new Lane(index, plan.Hashes))];
    }

    public Tally Tally { get; } = new();

    private Turnstile? Turnstile { get; }

    public void Run()
    {
        var over = false;
        while (!over || _busy > 0)
        {
            var next = long.MaxValue;
            if (!over)
                over = !SendDue(out next);
            var ready = _poll.Wait(WaitFor(next));
            FailOverdue();
            for (var i = 0; i < ready; i++)
            {
                var lane = _lanes[_poll.Ready(i)];
                if (lane.Socket is null)
                    continue;

                // Answered: the next request leaves before the other answers are read, so that the server isn't kept waiting.
                Receive(lane);
                if (!over && !lane.IsBusy)
                    over = TryBegin(lane, out _) is null;
            }
        }
    }

    public void Dispose()
    {
        foreach (var lane in _lanes)
            Close(lane);
        _poll.Dispose();
    }

    private static long WaitFor(long next)
    {
        if (next == long.MaxValue)
            return IdleWaitNanoseconds;
        return Math.Clamp(Ticks.ToNanoseconds(next - Stopwatch.GetTimestamp()), 0, IdleWaitNanoseconds);
    }

    /// <param name="next">When a request will be due that isn't yet; otherwise never.</param>
    /// <returns>False when no more requests are to be sent.</returns>
    private bool SendDue(out long next)
    {
        next = long.MaxValue;
        if (_busy == _lanes.Length)
            return true;
        foreach (var lane in _lanes)
        {
            if (lane.IsBusy)
                continue;
            switch (TryBegin(lane, out var due))
            {
                case null:
                    return false;
                case false:
                    next = due;
                    return true;
                default:
                    break;
            }
        }

        return true;
    }

    /// <inheritdoc cref="Pace.TryTake"/>
    private bool? TryBegin(Lane lane, out long due)
    {
        var taken = _course.Pace.TryTake(Stopwatch.GetTimestamp(), out due);
        if (taken != true)
            return taken;
        lane.Due = due;
        lane.IsBusy = true;
        lane.Operation = _isUsedUp ? Turnstile!.Next() : (int)((uint)_turn++ % (uint)_plan.Operations.Count);
        lane.Step = 0;
        lane.Bytes = 0;
        _busy++;
        Send(lane);
        return true;
    }

    private void Send(Lane lane)
    {
        try
        {
            if (lane.Socket is null)
            {
                lane.Socket = Connection.Open(_course.Target, _course.Halt, _course.Timeout);
                _poll.Watch(lane.Index, lane.Socket);
            }

            lane.Sent = Stopwatch.GetTimestamp();
            lane.Response.Begin(_plan.Operations[lane.Operation][lane.Step].IsBodiless);
            lane.Socket.Send(_plan.HeadOf(lane.Operation, lane.Step), SocketFlags.None, out var error);
            if (error != SocketError.Success)
                Fail(lane, Connection.KindOf(error));
        }
        catch (RequestFailedException problem)
        {
            Fail(lane, problem.Message);
            _course.Halt.Pause(Course.AfterRefusal);
        }
    }

    private void Receive(Lane lane)
    {
        var count = lane.Socket!.Receive(_received, SocketFlags.None, out var error);
        if (count > 0)
        {
            try
            {
                lane.Sent = Stopwatch.GetTimestamp();
                if (lane.Response.Feed(_received.AsSpan(0, count)))
                    EndStep(lane);
            }
            catch (RequestFailedException problem)
            {
                Fail(lane, problem.Message);
            }
        }
        else if (lane.IsBusy)
        {
            Fail(lane, error == SocketError.Success ? "connection closed" : Connection.KindOf(error));
        }
        else
        {
            Close(lane); // an idle connection that the server has ended: the next request opens another
        }
    }

    private void EndStep(Lane lane)
    {
        var operation = _plan.Operations[lane.Operation];
        var response = lane.Response;
        var fault = operation[lane.Step].FaultOf(response);
        lane.Bytes += response.BodyBytes;
        if (!response.KeepAlive)
            Close(lane);
        if (fault is not null)
        {
            FailAnswered(lane, fault);
        }
        else if (++lane.Step < operation.Length)
        {
            Send(lane);
        }
        else
        {
            var now = Stopwatch.GetTimestamp();
            if (_course.Counts(lane.Due, now))
                Tally.Complete(0, lane.Due, now, lane.Bytes);
            Release(lane);
        }
    }

    private void FailOverdue()
    {
        var now = Stopwatch.GetTimestamp();
        if (now < _nextLook)
            return;
        _nextLook = now + Ticks.FromSeconds(0.1);
        foreach (var lane in _lanes)
        {
            if (lane.IsBusy && Stopwatch.GetElapsedTime(lane.Sent, now) > _course.Timeout)
                Fail(lane, "timeout");
        }
    }

    private void Fail(Lane lane, string kind)
    {
        Close(lane);
        FailAnswered(lane, kind);
    }

    private void FailAnswered(Lane lane, string kind)
    {
        var now = Stopwatch.GetTimestamp();
        if (!_course.Halt.IsCut && _course.Counts(lane.Due, now))
            Tally.Fail(kind, now);
        Release(lane);
    }

    private void Release(Lane lane)
    {
        lane.IsBusy = false;
        _busy--;
    }

    private void Close(Lane lane)
    {
        if (lane.Socket is null)
            return;
        _course.Halt.Forget(lane.Socket);
        lane.Socket.Dispose();
        lane.Socket = null;
    }

    private sealed class Lane(int index, bool hashes)
    {
        public int Index => index;

        public ResponseReader Response { get; } = new() { Hash = hashes ? IncrementalHash.CreateHash(HashAlgorithmName.SHA256) : null };

        public Socket? Socket { get; set; }

        public long Due { get; set; }

        /// <summary>When the request left, or the last of its answer came.</summary>
        public long Sent { get; set; }

        public int Operation { get; set; }

        public int Step { get; set; }

        public long Bytes { get; set; }

        public bool IsBusy { get; set; }
    }
}
