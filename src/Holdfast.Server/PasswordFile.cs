namespace Holdfast.Server;

/// <summary>A file with one password, which may be renewed while the server runs.</summary>
internal sealed class PasswordFile
{
    private readonly string _path;
    private volatile string _last;

    private PasswordFile(string path, string last) => (_path, _last) = (path, last);

    /// <exception cref="IOException">It can't be read.</exception>
    /// <exception cref="UnauthorizedAccessException">It may not be read.</exception>
    public static PasswordFile Open(string path) => new(path, Load(path));

    /// <summary>The password as it is by now; the last one while the file is away, empty, or can't be read: it is just being replaced.</summary>
    public string Read()
    {
        try
        {
            if (Load(_path) is { Length: > 0 } password)
                _last = password;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // If the last one is of no use any more, the upstream says so.
        }
        return _last;
    }

    private static string Load(string path) => File.ReadAllText(path).TrimEnd('\r', '\n');
}
