namespace Holdfast.Storage.Native;

/// <summary>A symbolic link stands where a file or a folder should be. It is not followed.</summary>
public sealed class LinkedAwayException(string path, Exception? cause = null) : IOException($"'{path}' is a symbolic link, or lies behind one, and is not followed", cause)
{
}

/// <summary>This user may not do that with this file.</summary>
public sealed class AccessDeniedException(string message, Exception cause) : IOException(message, cause)
{
}
