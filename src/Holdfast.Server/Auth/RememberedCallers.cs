using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;

namespace Holdfast.Server.Auth;

/// <summary>A keyed hash of an Authorization header: what stays in memory of a password.</summary>
[StructLayout(LayoutKind.Sequential)]
internal readonly record struct CredentialKey(ulong A, ulong B, ulong C, ulong D)
{
    // The bits are a keyed hash's already; no caller can choose them.
    public override int GetHashCode() => (int)A;
}

/// <summary>
/// Verified headers and who sent them, bounded (P10): when the younger half is full it becomes the older half, and the older is
/// dropped, so that what is used stays without a lock or a list on the way.
/// </summary>
internal sealed class RememberedCallers
{
    private const int HalfSize = 8192;

    private readonly Lock _turning = new();
    private volatile ConcurrentDictionary<CredentialKey, RememberedCaller> _young = new();
    private volatile ConcurrentDictionary<CredentialKey, RememberedCaller> _old = new();
    private int _youngCount;

    public bool TryGet(in CredentialKey key, [NotNullWhen(true)] out RememberedCaller? caller)
    {
        if (_young.TryGetValue(key, out caller))
            return true;
        if (!_old.TryGetValue(key, out caller))
            return false;
        Add(key, caller);
        return true;
    }

    public void Add(in CredentialKey key, RememberedCaller caller)
    {
        lock (_turning)
        {
            if (!_young.TryAdd(key, caller))
            {
                _young[key] = caller;
                return;
            }
            if (++_youngCount < HalfSize)
                return;
            _old = _young;
            _young = new ConcurrentDictionary<CredentialKey, RememberedCaller>();
            _youngCount = 0;
        }
    }
}

/// <param name="Result">What the header is answered with.</param>
/// <param name="Expires">A token's end; for a password, never.</param>
internal sealed record RememberedCaller(AuthenticationResult Result, DateTimeOffset Expires);
