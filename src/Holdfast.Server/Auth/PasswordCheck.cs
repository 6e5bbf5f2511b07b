using System.Net;
using System.Security.Cryptography;
using Holdfast.Server.Http;

namespace Holdfast.Server.Auth;

/// <summary>The slow way: a password that is not remembered goes past the throttle to bcrypt, once however many requests bring it at a time.</summary>
internal sealed class PasswordCheck(string registry, TimeProvider time)
{
    private static readonly TimeSpan WhenBusy = TimeSpan.FromSeconds(1);

    private readonly LoginThrottle _throttle = new(time);
    private readonly Dictionary<CredentialKey, Task<AuthenticationResult>> _running = [];

    /// <summary>Checks a name and a password; not cancelled by one of its waiters, since others may wait too.</summary>
    public Task<AuthenticationResult> CheckAsync(Users users, BasicCredentials credentials, CredentialKey key, IPAddress client)
    {
        // A client opens several connections with the same new header at once; bcrypt is paid once for all of them.
        lock (_running)
        {
            if (_running.TryGetValue(key, out var running))
                return running;
            if (_throttle.Begin(client, credentials.Name) is { } wait)
                return Task.FromResult(SlowDown(wait, "slow_down"));
            var reading = users.File.Current;
            var hash = reading.HashOf(credentials.Name, out var known);
            if (!BcryptQueue.Shared.TryVerify(credentials.Password, hash, out var verified))
            {
                _throttle.Abandoned(client, credentials.Name);
                return Task.FromResult(SlowDown(WhenBusy, "busy"));
            }
            var attempt = new Attempt(users, reading, credentials, client);
            return _running[key] = FinishAsync(attempt, key, verified, known);
        }
    }

    private async Task<AuthenticationResult> FinishAsync(Attempt attempt, CredentialKey key, Task<bool> verified, bool known)
    {
        await Task.Yield(); // The caller holds the lock.
        try
        {
            var (users, reading, credentials, client) = attempt;
            var right = await verified & known;
            CryptographicOperations.ZeroMemory(credentials.Password);
            if (!right)
            {
                AuthMetrics.Failed(registry, "credentials");
                return AuthenticationResult.Refused(AuthenticationOutcome.InvalidCredentials);
            }
            _throttle.Succeeded(client, credentials.Name);
            var result = AuthenticationResult.Accepted(new Caller(credentials.Name, users.Rules.For(credentials.Name).Of));
            reading.Remembered.Add(key, new RememberedCaller(result, DateTimeOffset.MaxValue));
            return result;
        }
        finally
        {
            lock (_running)
                _running.Remove(key);
        }
    }

    private AuthenticationResult SlowDown(TimeSpan wait, string reason)
    {
        AuthMetrics.Failed(registry, reason);
        return AuthenticationResult.SlowDown(wait);
    }

    private sealed record Attempt(Users Users, HtpasswdFile.Users Reading, BasicCredentials Credentials, IPAddress Client);
}
