using System.Diagnostics;
using System.Net.Sockets;
using System.Security.Cryptography;
using Holdfast.Load.Data;
using Holdfast.Load.Http;
using Holdfast.Load.Measure;

namespace Holdfast.Load.Run;

/// <summary>One thread that keeps several connections busy with requests made in advance.</summary>
internal sealed class ReadLoop : IDisposable
{
    private const long IdleWaitNanoseconds = 100_000_000;
    private const double TimeoutSeconds = 120;

    private readonly Target _target;
    private readonly ReadPlan _plan;
    private readonly Pace _pace;
    private readonly long _countFrom;
    private readonly Lane[] _lanes;
    private readonly Poll _poll;
    private readonly byte[] _received = new byte[256 * 1024];
    private int _turn;
    private int _busy;

    /// <param name="countFrom">Stopwatch ticks; what was due earlier is warm-up.</param>
    /// <param name="first">Where in the plan's requests to begin, so that threads don't march in step.</param>
    public ReadLoop(Target target, ReadPlan plan, Pace pace, long countFrom, int connections, int first)
    {
        _target = target;
        _plan = plan;
        _pace = pace;
        _countFrom = countFrom;
        _turn = first;
        _poll = new Poll(connections);
        _lanes = [.. Enumerable.Range(0, connections).Select(index => new Lane(index, plan.Digest is not null))];
    }

    public Tally Tally { get; } = new();

    public void Run()
    {
        var over = false;
        while (!over || _busy > 0)
        {
            var next = long.MaxValue;
            if (!over)
                over = !SendDue(out next);
            var ready = _poll.Wait(WaitFor(next));
            if (ready == 0)
                FailOverdue();
            for (var i = 0; i < ready; i++)
            {
                var lane = _lanes[_poll.Ready(i)];
                if (lane.Socket is null)
                    continue;

                // Answered: the next request leaves before the other answers are read, so that the server isn't kept waiting.
                Receive(lane);
                if (!over && !lane.IsBusy)
                    over = TrySend(lane, out _) is null;
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
            switch (TrySend(lane, out var due))
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
    private bool? TrySend(Lane lane, out long due)
    {
        var taken = _pace.TryTake(Stopwatch.GetTimestamp(), out due);
        if (taken == true)
            Send(lane, due);
        return taken;
    }

    private void Send(Lane lane, long due)
    {
        lane.Due = due;
        lane.IsBusy = true;
        _busy++;
        try
        {
            if (lane.Socket is null)
            {
                lane.Socket = Connection.Open(_target);
                _poll.Watch(lane.Index, lane.Socket);
            }

            lane.Response.Begin(_plan.Bodiless);
            var request = _plan.Requests[(int)((uint)_turn++ % (uint)_plan.Requests.Length)];
            lane.Socket.Send(request, SocketFlags.None, out var error);
            if (error != SocketError.Success)
                Fail(lane, Connection.KindOf(error));
        }
        catch (RequestFailedException problem)
        {
            Fail(lane, problem.Message);
            Thread.Sleep(10); // a server that refuses connections isn't to be asked as fast as a loop can
        }
    }

    private void Receive(Lane lane)
    {
        var count = lane.Socket!.Receive(_received, SocketFlags.None, out var error);
        if (count > 0)
        {
            try
            {
                if (lane.Response.Feed(_received.AsSpan(0, count)))
                    Complete(lane);
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

    private void Complete(Lane lane)
    {
        var response = lane.Response;
        if (response.Status != 200)
        {
            FailAnswered(lane, $"status {response.Status}");
        }
        else if (_plan.Length is { } length && response.BodyBytes != length)
        {
            FailAnswered(lane, "wrong length");
        }
        else if (response.Hash is { } hash && BlobSource.Name(hash.GetHashAndReset()) != _plan.Digest)
        {
            FailAnswered(lane, "wrong digest");
        }
        else
        {
            var now = Stopwatch.GetTimestamp();
            if (lane.Due >= _countFrom)
                Tally.Complete(lane.Due, now, response.BodyBytes);
            Release(lane);
        }

        if (!response.KeepAlive)
            Close(lane);
    }

    private void FailOverdue()
    {
        foreach (var lane in _lanes)
        {
            if (lane.IsBusy && Stopwatch.GetElapsedTime(lane.Due).TotalSeconds > TimeoutSeconds)
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
        Tally.Fail(kind, Stopwatch.GetTimestamp());
        Release(lane);
    }

    private void Release(Lane lane)
    {
        lane.IsBusy = false;
        _busy--;
    }

    private void Close(Lane lane)
    {
        lane.Socket?.Dispose();
        lane.Socket = null;
        lane.Response.Hash?.GetHashAndReset();
    }

    private sealed class Lane(int index, bool hashes)
    {
        public int Index => index;

        public ResponseReader Response { get; } = new() { Hash = hashes ? IncrementalHash.CreateHash(HashAlgorithmName.SHA256) : null };

        public Socket? Socket { get; set; }

        public long Due { get; set; }

        public bool IsBusy { get; set; }
    }
}
