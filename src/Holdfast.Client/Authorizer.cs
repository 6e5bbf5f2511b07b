using System.Collections.Concurrent;
using System.Net.Http.Headers;
using System.Text;

namespace Holdfast.Client;

/// <summary>Knows what to send as Authorization, and how to get it when the registry asks.</summary>
internal sealed class Authorizer
{
    // Scopes are as many as repositories; beyond this all are forgotten, which costs a request each.
    private const int MaxTokens = 4_096;
    private const int MaxScopeLength = 4_096;

    private readonly ConcurrentDictionary<string, ScopeToken> _tokens = new(StringComparer.Ordinal);
    private readonly RegistryClientOptions _options;
    private readonly TokenEndpoint _endpoint;

    // What the registry has asked for as Basic; before that the password is not sent.
    private volatile AuthenticationHeaderValue? _basic;

    public Authorizer(Wire wire)
    {
        _options = wire.Options;
        _endpoint = new TokenEndpoint(wire, ReadBasic);
    }

    /// <summary>What is known to work for a scope, or null.</summary>
    public AuthenticationHeaderValue? Known(string scope) =>
        _options.Token is { } given ? Bearer(given)
        : _tokens.GetValueOrDefault(scope)?.FreshAt(_options.Time.GetUtcNow()) is { } text ? Bearer(text) : _basic;

    /// <summary>Answers a 401.</summary>
    /// <param name="scope">What is needed, if the challenge does not say it.</param>
    /// <param name="refused">What was sent with the request that got the 401.</param>
    public async ValueTask<RegistryAnswer<AuthenticationHeaderValue>> AnswerAsync(
        IReadOnlyList<Challenge> challenges, string scope, AuthenticationHeaderValue? refused, CancellationToken token)
    {
        if (_options.Token is not null)
            return Denied("refused the token");
        if (challenges.FirstOrDefault(c => c.Is("Bearer")) is { } bearer)
            return await FetchAsync(bearer, scope, refused, token);
        if (!challenges.Any(c => c.Is("Basic")))
            return Denied(challenges.Count == 0 ? "answered 401 without a challenge that can be read" : $"wants '{Failures.Printable(challenges[0].Scheme)}', which is not spoken here; Basic and Bearer are");
        if (ReadBasic() is not { } basic)
            return Denied("wants a user name and a password, and none are configured");
        if (refused is { Scheme: "Basic" } && refused.Parameter == basic.Parameter)
            return new(Refused($"refused the user '{Failures.Printable(_options.Username!)}' or the password") with { RefusesLogin = true });
        _basic = basic;
        return new(basic);
    }

    // Whenever somebody asks for it: it may be another one by now.
    private AuthenticationHeaderValue? ReadBasic() => _options.Username is null ? null : new AuthenticationHeaderValue(
        "Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes($"{_options.Username}:{_options.ReadPassword?.Invoke() ?? _options.Password}")));

    private async ValueTask<RegistryAnswer<AuthenticationHeaderValue>> FetchAsync(
        Challenge challenge, string scope, AuthenticationHeaderValue? refused, CancellationToken token)
    {
        if (_tokens.Count >= MaxTokens)
            _tokens.Clear();
        var entry = _tokens.GetOrAdd(scope, static _ => new ScopeToken());
        var before = entry.Fetches;
        await entry.Turn.WaitAsync(token);
        try
        {
            var now = _options.Time.GetUtcNow();
            // Another request may have fetched one while this one waited.
            if (entry.FreshAt(now) is { } fresh && fresh != refused?.Parameter)
                return new(Bearer(fresh));
            if (entry.Fetches != before && entry.Failure is { } theirFailure)
                return new(theirFailure);
            var asked = challenge["scope"] is { Length: > 0 and <= MaxScopeLength } theirs ? theirs : scope;
            var answer = await _endpoint.FetchAsync(challenge, asked, token);
            if (!answer.TryGet(out var issued, out var failure))
            {
                entry.Fail(failure);
                return new(failure);
            }
            // A request that is under way when the token ends would be refused; a fifth of a short life, half a minute of a long one.
            entry.Set(issued.Text, now + issued.Lifetime - TimeSpan.FromSeconds(Math.Min(30, issued.Lifetime.TotalSeconds / 5)));
            return new(Bearer(issued.Text));
        }
        finally
        {
            entry.Turn.Release();
        }
    }

    private RegistryAnswer<AuthenticationHeaderValue> Denied(string what) =>
        new(Refused(what));

    private RegistryFailure Refused(string what) => new(RegistryOutcome.Denied, $"{_options.Registry.Authority} {what}");

    private static AuthenticationHeaderValue Bearer(string text) => new("Bearer", text);
}
