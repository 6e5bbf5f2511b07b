namespace Holdfast.Configuration;

/// <summary>Looks whether a file that the configuration names can be read.</summary>
internal static class ReadableFile
{
    /// <returns>What is wrong with it, or null.</returns>
    public static string? Fault(string path)
    {
        try
        {
            if (Directory.Exists(path))
                return $"{Problems.Quote(path)} is a folder; name a file";
            using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            return null;
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return $"no file {Problems.Quote(path)}";
        }
        catch (UnauthorizedAccessException)
        {
            return $"{Problems.Quote(path)} may not be read by user {Environment.UserName}";
        }
        catch (Exception e) when (e is IOException or ArgumentException or NotSupportedException)
        {
            return $"{Problems.Quote(path)} can't be read: {e.Message}";
        }
    }
}
