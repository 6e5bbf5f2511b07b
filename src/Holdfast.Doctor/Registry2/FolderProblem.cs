namespace Holdfast.Doctor.Registry2;

public enum FolderProblemKind
{
    /// <summary>It could not be read, so that what is in it is not known (P6).</summary>
    Unreadable,

    /// <summary>A symbolic link, which is not followed; what lies behind it is not known either.</summary>
    Linked,

    /// <summary>A file or a folder that no registry makes. It is left alone.</summary>
    Strange,
}

/// <summary>Something in a registry's folder that is not as the registry writes it.</summary>
/// <param name="Path">From the registry's root. Both texts are for people, and hold nothing that a terminal would obey.</param>
public sealed record FolderProblem(FolderProblemKind Kind, string Path, string Detail)
{
    public string Path { get; } = Quoted.Harmless(Path);

    public string Detail { get; } = Quoted.Harmless(Detail);
}

/// <summary>The folder is none that registry:2 wrote, or can't be read as a whole. The message says what to do.</summary>
public sealed class NotARegistryException(string message) : IOException(message)
{
}
