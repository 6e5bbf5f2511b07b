using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;

namespace Holdfast.Server.Auth;

/// <summary>
/// Slows down guessing, by address and name and by address. An attempt is charged when it begins and given back when it succeeds, so
/// that many guesses at once gain nothing. Nobody's attempts count for another address: a user can't be locked out from elsewhere.
/// </summary>
internal sealed class LoginThrottle(TimeProvider time)
{
    // A person mistypes a few times; an address may be a whole office.
    private const int FreePerName = 5;
    private const int FreePerAddress = 30;
    private const int MaxEntries = 10_000;

    private static readonly TimeSpan FirstDelay = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LongestDelay = TimeSpan.FromSeconds(60);

    // One failure is forgiven per this time.
    private static readonly TimeSpan Forgiven = TimeSpan.FromSeconds(60);

    private readonly Lock _lock = new();
    private readonly Dictionary<Source, LinkedListNode<Entry>> _entries = [];
    private readonly LinkedList<Entry> _byUse = [];

    internal int Count
    {
        get
        {
            lock (_lock)
                return _entries.Count;
        }
    }

    /// <summary>Charges an attempt.</summary>
    /// <returns>Null if it may be made now; else how long to wait, and nothing was charged.</returns>
    public TimeSpan? Begin(IPAddress address, string name)
    {
        var now = time.GetUtcNow();
        var source = Source.Of(address, name);
        lock (_lock)
        {
            if (Wait(source with { Name = null }, now) is { } forAddress)
                return forAddress;
            if (Wait(source, now) is { } forName)
                return forName;
            Charge(source with { Name = null }, now, FreePerAddress);
            Charge(source, now, FreePerName);
            return null;
        }
    }

    /// <summary>The password was right: nothing is held against the name there, and the address gets its attempt back.</summary>
    public void Succeeded(IPAddress address, string name)
    {
        var source = Source.Of(address, name);
        lock (_lock)
        {
            Remove(source);
            // Not all of the address's: else one's own account would buy guesses at others'.
            GiveBack(source with { Name = null }, FreePerAddress);
        }
    }

    /// <summary>The attempt was not made after all.</summary>
    public void Abandoned(IPAddress address, string name)
    {
        var source = Source.Of(address, name);
        lock (_lock)
        {
            GiveBack(source, FreePerName);
            GiveBack(source with { Name = null }, FreePerAddress);
        }
    }

    private TimeSpan? Wait(Source source, DateTimeOffset now)
    {
        if (!_entries.TryGetValue(source, out var node))
            return null;
        _byUse.Remove(node);
        _byUse.AddLast(node);
        return node.Value.BlockedUntil > now ? node.Value.BlockedUntil - now : null;
    }

    private void Charge(Source source, DateTimeOffset now, int free)
    {
        if (!_entries.TryGetValue(source, out var node))
        {
            while (_entries.Count >= MaxEntries)
                Remove(_byUse.First!.Value.Source);
            node = _byUse.AddLast(new Entry(source) { Since = now });
            _entries.Add(source, node);
        }
        var entry = node.Value;
        var forgiven = (int)Math.Clamp((now - entry.Since) / Forgiven, 0, entry.Attempts);
        entry.Since = forgiven == entry.Attempts ? now : entry.Since + (forgiven * Forgiven);
        entry.Attempts += 1 - forgiven;
        if (entry.Attempts > free)
            entry.BlockedUntil = now + Delay(entry.Attempts - free);
    }

    private void GiveBack(Source source, int free)
    {
        if (!_entries.TryGetValue(source, out var node))
            return;
        var entry = node.Value;
        entry.Attempts = Math.Max(0, entry.Attempts - 1);
        if (entry.Attempts <= free)
            entry.BlockedUntil = default;
        if (entry.Attempts == 0)
            Remove(source);
    }

    private void Remove(Source source)
    {
        if (_entries.Remove(source, out var node))
            _byUse.Remove(node);
    }

    private static TimeSpan Delay(int excess) =>
        excess > 6 ? LongestDelay : TimeSpan.FromTicks(Math.Min(LongestDelay.Ticks, FirstDelay.Ticks << (excess - 1)));

    private sealed class Entry(Source source)
    {
        public Source Source => source;

        public int Attempts { get; set; }

        public DateTimeOffset Since { get; set; }

        public DateTimeOffset BlockedUntil { get; set; }
    }

    private readonly record struct Source(ulong High, ulong Low, string? Name)
    {
        public static Source Of(IPAddress address, string name)
        {
            if (address.IsIPv4MappedToIPv6)
                address = address.MapToIPv4();
            Span<byte> bytes = stackalloc byte[16];
            bytes.Clear();
            address.TryWriteBytes(bytes, out _);
            // A host has a /64 to itself, so the rest of an IPv6 address costs an attacker nothing.
            return address.AddressFamily == AddressFamily.InterNetworkV6
                ? new Source(BinaryPrimitives.ReadUInt64BigEndian(bytes), 6, name)
                : new Source(BinaryPrimitives.ReadUInt32BigEndian(bytes), 4, name);
        }
    }
}
