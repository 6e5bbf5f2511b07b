using System.Collections.Concurrent;

namespace Holdfast.Bench.Http;

/// <summary>Says what a request carries as Authorization; empty: nothing. A token that is still good is given again, and costs nothing.</summary>
internal delegate ValueTask<string> GrantSource(Deed deed, string repository, CancellationToken token);

/// <summary>The Authorization of one server's requests, asked for before they are measured and kept fresh beside them.</summary>
internal sealed class Grants(GrantSource? source)
{
    private readonly ConcurrentDictionary<(Deed Deed, string Repository), string> _lines = new();

    // Basic is the same for every repository; tokens are for one each.
    private readonly ConcurrentDictionary<Deed, string> _common = new();

    /// <summary>Basic, Bearer, or null: for reports.</summary>
    public string? Scheme { get; private set; }

    /// <returns>A header line with its end, or nothing.</returns>
    public string LineFor(Deed deed, string repository) =>
        _common.TryGetValue(deed, out var line) ? line : _lines.GetValueOrDefault((deed, repository), "");

    public async Task AskAsync(Deed deed, IEnumerable<string> repositories, CancellationToken token)
    {
        if (source is null)
            return;
        foreach (var repository in repositories)
        {
            if (_common.ContainsKey(deed))
                return;
            if (!_lines.ContainsKey((deed, repository)))
                await AskAsync(source, deed, repository, token);
        }
    }

    /// <returns>Did any change? Requests that were made in advance must then be made anew.</returns>
    public async Task<bool> RenewAsync(CancellationToken token)
    {
        var changed = false;
        foreach (var ((deed, repository), _) in _lines)
            changed |= await AskAsync(source!, deed, repository, token);
        return changed;
    }

    private async Task<bool> AskAsync(GrantSource source, Deed deed, string repository, CancellationToken token)
    {
        var value = await source(deed, repository, token);
        var line = value.Length == 0 ? "" : $"Authorization: {value}\r\n";
        Scheme ??= value.Length == 0 ? null : value.Split(' ')[0];
        if (!value.StartsWith("Bearer ", StringComparison.Ordinal))
        {
            _common[deed] = line;
            return false;
        }
        var changed = _lines.GetValueOrDefault((deed, repository)) != line;
        _lines[(deed, repository)] = line;
        return changed;
    }
}
