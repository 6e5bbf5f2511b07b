using System.Collections.Frozen;
using Microsoft.Extensions.Logging;

namespace Holdfast.Server.Auth;

/// <summary>The users of an htpasswd file, re-read when it changes; a bad new file keeps the old users and says so (DESIGN §5).</summary>
internal sealed class HtpasswdFile : IDisposable
{
    private static readonly TimeSpan LookEvery = TimeSpan.FromSeconds(1);

    private readonly string _path;
    private readonly ILogger _logger;
    private readonly Lock _reloading = new();
    private readonly ITimer _timer;
    private FileStamp? _loaded;
    private FileStamp? _lastSeen;
    private FileStamp? _refused;
    private volatile Users _current;
    private volatile bool _stale;
    private bool _missing;
    private string? _problem;

    private HtpasswdFile(string path, FileStamp? stamp, Users users, (TimeProvider Time, ILogger Logger) surroundings)
    {
        (_path, _loaded, _lastSeen, _current, _logger) = (path, stamp, stamp, users, surroundings.Logger);
        _timer = surroundings.Time.CreateTimer(static file => ((HtpasswdFile)file!).Refresh(), this, LookEvery, LookEvery);
        AuthMetrics.Watch(this);
    }

    public string Path => _path;

    public Users Current => _current;

    /// <summary>Is told at every look what is wrong with the file; null: nothing.</summary>
    public Action<string?> Report { get; set; } = static _ => { };

    /// <summary>Is the file on disk one that was refused?</summary>
    public bool IsStale => _stale;

    /// <exception cref="InvalidDataException">The file is not right; the message has a line for every problem.</exception>
    public static HtpasswdFile Open(string path, TimeProvider time, ILogger logger)
    {
        FileStamp? stamp = FileStamp.TryTake(path, out var taken) ? taken : null;
        var text = HtpasswdText.Read(path);
        if (text.Problems.Count > 0)
            throw new InvalidDataException(string.Join('\n', text.Problems));
        return new HtpasswdFile(path, stamp, new Users(text.Users), (time, logger));
    }

    /// <summary>Looks at the file and takes its users over if it is new, whole and right. Called by a timer.</summary>
    public void Refresh()
    {
        // A look that still goes on (a hanging network file system) is enough.
        if (!_reloading.TryEnter())
            return;
        try
        {
            FileStamp? before = _lastSeen;
            _lastSeen = FileStamp.TryTake(_path, out var now) ? now : null;
            if (_lastSeen is null)
                RefuseMissing();
            else if ((now != _loaded || _stale) && now != _refused && IsWhole(now, before))
                Reload(now);
            Report(_stale ? _problem : null);
        }
        finally
        {
            _reloading.Exit();
        }
    }

    public void Dispose()
    {
        _timer.Dispose();
        AuthMetrics.Forget(this);
    }

    // A file that was renamed over the one seen before is whole. One that is written in place, as htpasswd does, or anew, may be read
    // half-written (or still empty): it must look the same twice, a second apart.
    private static bool IsWhole(FileStamp now, FileStamp? before) => now == before || (before is { } seen && seen.Inode != now.Inode);

    private void Reload(FileStamp stamp)
    {
        _missing = false;
        var text = HtpasswdText.Read(_path);
        if (!FileStamp.TryTake(_path, out var after) || after != stamp)
            return; // It changed while it was read; the next look sees what it became.
        if (text.Problems.Count > 0)
        {
            _refused = stamp;
            Refuse(string.Join("; ", text.Problems));
            return;
        }
        _current = new Users(text.Users);
        (_loaded, _refused, _stale) = (stamp, null, false);
        AuthLog.UsersReloaded(_logger, _path, text.Users.Count);
    }

    private void RefuseMissing()
    {
        if (_missing)
            return;
        (_missing, _refused) = (true, null);
        Refuse($"{_path}: the file is gone or can't be looked at");
    }

    private void Refuse(string problems)
    {
        (_stale, _problem) = (true, $"the changed file is not taken, the users read before stay: {problems}");
        AuthMetrics.ReloadFailed(this);
        AuthLog.ReloadRefused(_logger, _path, problems);
    }

    /// <summary>One reading of the file. What was verified against it is remembered with it, and so forgotten with it.</summary>
    internal sealed class Users(IReadOnlyDictionary<string, string> hashes)
    {
        private readonly FrozenDictionary<string, string> _hashes = hashes.ToFrozenDictionary(StringComparer.Ordinal);

        // What a login with an unknown name is checked against, so that it takes as long as one with a known name.
        private readonly string _nobody = NobodyLike(hashes.Values);

        public RememberedCallers Remembered { get; } = new();

        // By themselves: whoever gets tokens, which may be anyone, must not push out the passwords that were paid for with a bcrypt.
        public RememberedCallers RememberedTokens { get; } = new();

        public bool Has(string name) => _hashes.ContainsKey(name);

        /// <returns>A hash to check in any case; <paramref name="known"/> tells whether it may count.</returns>
        public string HashOf(string name, out bool known)
        {
            known = _hashes.TryGetValue(name, out var hash);
            return known ? hash! : _nobody;
        }

        private static string NobodyLike(IEnumerable<string> hashes)
        {
            var cost = 0;
            foreach (var hash in hashes)
                cost = Math.Max(cost, Bcrypt.TryReadCost(hash, out var read) ? read : 0);
            return $"$2y${(cost == 0 ? Bcrypt.DefaultCost : cost):00}${new string('.', 53)}";
        }
    }
}
