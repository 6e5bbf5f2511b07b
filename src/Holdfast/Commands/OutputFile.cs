namespace Holdfast.Commands;

/// <summary>A file that a command is to write when its work is done: checked before hours of work, not after.</summary>
internal static class OutputFile
{
    /// <returns>The whole path; null: none was given.</returns>
    /// <exception cref="RemoteFault">It could not be written.</exception>
    public static string? Check(string option, string? file)
    {
        if (file is null)
            return null;
        if (file.Length == 0)
            throw new RemoteFault($"{option}: its file has no name");
        var folder = Path.GetDirectoryName(Path.GetFullPath(file));
        if (Directory.Exists(file))
            throw new RemoteFault($"{option}: '{file}' is a folder; name a file");
        return Directory.Exists(folder) ? Path.GetFullPath(file) : throw new RemoteFault($"{option}: there is no folder {folder}");
    }

    /// <exception cref="RemoteFault">It could not be written.</exception>
    public static void Write(string option, string? file, Action<string> write)
    {
        if (file is null)
            return;
        try
        {
            write(file);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new RemoteFault($"{option}: the report could not be written: {e.Message}", e);
        }
    }
}
