using System.Text;

namespace Holdfast.Server.Auth;

/// <summary>An htpasswd file as it was read: its users, and everything that is wrong with it.</summary>
public sealed class HtpasswdText
{
    /// <summary>Bytes; some 50,000 users.</summary>
    public const int MaxFileBytes = 4 << 20;

    public const int MaxNameLength = 255;

    private static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    private readonly Dictionary<string, string> _users = new(StringComparer.Ordinal);
    private readonly List<string> _problems = [];
    private readonly List<HtpasswdEntry> _entries = [];

    private HtpasswdText(IReadOnlyList<string> lines) => Lines = lines;

    /// <summary>Names and bcrypt hashes of the lines that are right.</summary>
    public IReadOnlyDictionary<string, string> Users => _users;

    /// <summary>Each as <c>file:line: what is wrong</c>.</summary>
    public IReadOnlyList<string> Problems => _problems;

    /// <summary>Every line that isn't empty or a comment, in the file's order, each judged by itself.</summary>
    public IReadOnlyList<HtpasswdEntry> Entries => _entries;

    internal IReadOnlyList<string> Lines { get; }

    /// <summary>Reads a file. A file that can't be read has that as its one problem.</summary>
    public static HtpasswdText Read(string file)
    {
        try
        {
            // Shared fully, so that reading takes no lock that an editor would stumble over.
            using var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            var bytes = new byte[MaxFileBytes + 1];
            var length = stream.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false);
            return length > MaxFileBytes
                ? Broken($"{file}: the file is larger than {MaxFileBytes} bytes")
                : Parse(file, StrictUtf8.GetString(bytes, 0, length));
        }
        catch (DecoderFallbackException)
        {
            return Broken($"{file}: the file is not UTF-8 text");
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return Broken($"{file}: no such file");
        }
        catch (UnauthorizedAccessException) when (Directory.Exists(file))
        {
            return Broken($"{file}: is a folder, not a file");
        }
        catch (UnauthorizedAccessException)
        {
            return Broken($"{file}: user {Environment.UserName} may not read it");
        }
        catch (IOException e)
        {
            return Broken($"{file}: {e.Message}");
        }
    }

    /// <summary>Why this can't be a user's name; null if it can.</summary>
    public static string? NameProblem(string name)
    {
        if (name.Length == 0)
            return "the user name is empty";
        if (name.Length > MaxNameLength)
            return $"the user name is longer than {MaxNameLength} characters";
        if (name.Contains(':', StringComparison.Ordinal))
            return "a user name can't hold a colon";
        if (name.Any(char.IsControl))
            return "a user name can't hold control characters";
        if (name[0] is ' ' or '#' || name[^1] == ' ')
            return "a user name can't start with a space or # nor end with a space";
        // Both are words of the access rules.
        return name is "anonymous" or "*" ? $"the user name '{name}' is reserved" : null;
    }

    internal static HtpasswdText Parse(string file, string text)
    {
        var lines = text.Split('\n');
        var parsed = new HtpasswdText(lines);
        var firstSeen = new Dictionary<string, int>(StringComparer.Ordinal);
        for (var i = 0; i < lines.Length; i++)
        {
            if (!TrySplit(lines[i], out var name, out var hash))
                continue;
            var problem = LineProblem(file, name, hash);
            parsed._entries.Add(new HtpasswdEntry(i + 1, name, hash, problem));
            if (problem is null && !firstSeen.TryAdd(name!, i + 1))
                problem = $"user '{name}' is already on line {firstSeen[name!]}";
            if (problem is null)
                parsed._users.Add(name!, hash);
            else
                parsed._problems.Add($"{file}:{i + 1}: {problem}");
        }
        return parsed;
    }

    /// <summary>Takes a line apart.</summary>
    /// <returns>False for an empty line and a comment; a line without a colon has no name.</returns>
    internal static bool TrySplit(string line, out string? name, out string hash)
    {
        line = line.TrimEnd('\r');
        (name, hash) = (null, "");
        if (string.IsNullOrWhiteSpace(line) || line.TrimStart().StartsWith('#'))
            return false;
        var colon = line.IndexOf(':', StringComparison.Ordinal);
        if (colon >= 0)
            (name, hash) = (line[..colon], line[(colon + 1)..].TrimEnd());
        return true;
    }

    private static HtpasswdText Broken(string problem)
    {
        var text = new HtpasswdText([]);
        text._problems.Add(problem);
        return text;
    }

    private static string? LineProblem(string file, string? name, string hash)
    {
        if (name is null)
            return "not a line of the form name:hash";
        if (NameProblem(name) is { } problem)
            return problem;
        if (Bcrypt.TryReadCost(hash, out var cost))
        {
            return cost is >= Bcrypt.MinCost and <= Bcrypt.MaxCost
                ? null
                : $"user '{name}' has a bcrypt hash of cost {cost}; {Bcrypt.MinCost} to {Bcrypt.MaxCost} are accepted";
        }
        return $"user '{name}' has {KindOf(hash)}; only bcrypt is accepted: holdfast user add {name} --file {file}";
    }

    private static string KindOf(string hash) => hash switch
    {
        "" => "no hash",
        _ when hash.StartsWith("$2", StringComparison.Ordinal) => "a damaged bcrypt hash",
        _ when hash.StartsWith("$apr1$", StringComparison.Ordinal) || hash.StartsWith("$1$", StringComparison.Ordinal) => "an MD5 hash",
        _ when hash.StartsWith("{SHA}", StringComparison.Ordinal) => "a SHA-1 hash",
        _ when hash.StartsWith("$5$", StringComparison.Ordinal) => "a SHA-256 hash",
        _ when hash.StartsWith("$6$", StringComparison.Ordinal) => "a SHA-512 hash",
        _ when hash.StartsWith("$y$", StringComparison.Ordinal) => "a yescrypt hash",
        _ when hash.StartsWith("$argon2", StringComparison.Ordinal) => "an Argon2 hash",
        { Length: 13 } => "a DES hash (or a plain password)",
        _ => "no hash that is known (a plain password?)",
    };
}
