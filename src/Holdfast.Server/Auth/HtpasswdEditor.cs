using System.Text;

namespace Holdfast.Server.Auth;

/// <summary>What an edit did.</summary>
public enum HtpasswdEdit
{
    Added,
    Replaced,
    Removed,

    /// <summary>There was no such user; the file is as it was.</summary>
    NotFound,
}

/// <summary>What a check of a password found.</summary>
public enum HtpasswdCheck
{
    Right,
    Wrong,
    NoSuchUser,
}

/// <summary>
/// Changes an htpasswd file by whole replacement, keeping comments, order, mode and owner. Other lines may be wrong: this is how an
/// administrator mends them one by one.
/// </summary>
public sealed class HtpasswdEditor
{
    private readonly string _path;
    private readonly FileStamp? _stamp;
    private readonly List<string> _lines;

    private HtpasswdEditor(string path, FileStamp? stamp, HtpasswdText text)
    {
        (_path, _stamp, Text) = (path, stamp, text);
        _lines = [.. text.Lines];
        if (_lines is [.., ""])
            _lines.RemoveAt(_lines.Count - 1);
    }

    /// <summary>The file as it was opened.</summary>
    public HtpasswdText Text { get; }

    /// <param name="create">May the file be absent? It is then written by the first edit.</param>
    /// <exception cref="IOException">The file can't be read as lines of text.</exception>
    public static HtpasswdEditor Open(string file, bool create = false)
    {
        // A link stays a link: what it points to is replaced.
        var path = Path.GetFullPath(file);
        if (new FileInfo(path).LinkTarget is not null)
            path = File.ResolveLinkTarget(path, returnFinalTarget: true)!.FullName;
        if (!FileStamp.TryTake(path, out var stamp) && create)
            return new HtpasswdEditor(path, null, HtpasswdText.Parse(path, ""));
        var text = HtpasswdText.Read(path);
        return text.Lines.Count > 0 ? new HtpasswdEditor(path, stamp, text) : throw new IOException(string.Join('\n', text.Problems));
    }

    /// <summary>Why this can't be a password; null if it can.</summary>
    public static string? PasswordProblem(string password) => password switch
    {
        "" => "the password is empty",
        _ when password.Contains('\0', StringComparison.Ordinal) => "the password holds a NUL character",
        _ when Encoding.UTF8.GetByteCount(password) > Bcrypt.MaxPasswordBytes =>
            $"the password is longer than {Bcrypt.MaxPasswordBytes} bytes, and bcrypt would ignore the rest: take a shorter one",
        _ => null,
    };

    /// <summary>Adds a user or gives one a new password, and writes the file.</summary>
    /// <exception cref="InvalidDataException">The name or the password can't be one; the message says why.</exception>
    /// <exception cref="IOException">The file can't be written, or was changed since it was opened.</exception>
    public HtpasswdEdit Set(string name, string password, int cost = Bcrypt.DefaultCost)
    {
        if ((HtpasswdText.NameProblem(name) ?? PasswordProblem(password)) is { } problem)
            throw new InvalidDataException(problem);
        var line = $"{name}:{Bcrypt.Hash(Encoding.UTF8.GetBytes(password), cost)}";
        var at = _lines.FindIndex(l => IsOf(l, name));
        if (at < 0)
        {
            _lines.Add(line);
        }
        else
        {
            _lines[at] = line;
            // Of several lines of one user the others would win or lose by their order; one stays.
            for (var i = _lines.Count - 1; i > at; i--)
            {
                if (IsOf(_lines[i], name))
                    _lines.RemoveAt(i);
            }
        }
        Write();
        return at < 0 ? HtpasswdEdit.Added : HtpasswdEdit.Replaced;
    }

    /// <summary>Removes a user and writes the file.</summary>
    /// <exception cref="IOException">The file can't be written, or was changed since it was opened.</exception>
    public HtpasswdEdit Remove(string name)
    {
        if (_lines.RemoveAll(l => IsOf(l, name)) == 0)
            return HtpasswdEdit.NotFound;
        Write();
        return HtpasswdEdit.Removed;
    }

    /// <summary>Is this the user's password?</summary>
    public HtpasswdCheck Check(string name, string password)
    {
        if (!Text.Users.TryGetValue(name, out var hash))
            return HtpasswdCheck.NoSuchUser;
        return Bcrypt.Verify(Encoding.UTF8.GetBytes(password), hash) ? HtpasswdCheck.Right : HtpasswdCheck.Wrong;
    }

    private static bool IsOf(string line, string name) =>
        HtpasswdText.TrySplit(line, out var found, out _) && string.Equals(found, name, StringComparison.Ordinal);

    private void Write()
    {
        // Two administrators at once: the second is told, instead of undoing the first.
        FileStamp? now = FileStamp.TryTake(_path, out var taken) ? taken : null;
        if (now != _stamp)
            throw new IOException($"{_path}: the file was changed by someone else meanwhile; try again");
        var text = new StringBuilder();
        foreach (var line in _lines)
            text.Append(line).Append('\n');
        // The file is replaced, so that it's the folder that must be writable.
        var folder = Path.GetDirectoryName(_path)!;
        if (!Directory.Exists(folder))
            throw new IOException($"{_path}: there is no folder {folder}");
        try
        {
            AtomicFile.Write(_path, Encoding.UTF8.GetBytes(text.ToString()), _stamp);
        }
        catch (UnauthorizedAccessException e)
        {
            throw new IOException($"{_path}: user {Environment.UserName} may not write in the folder {folder}", e);
        }
    }
}
