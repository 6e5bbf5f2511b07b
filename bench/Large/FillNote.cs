namespace Holdfast.Large;

/// <summary>Says in a folder which plan it is filled by, so that no other plan goes on with it.</summary>
internal static class FillNote
{
    private const string Name = "large.txt";

    /// <exception cref="UsageException">The folder holds something else.</exception>
    public static void Match(string folder, FillPlan plan)
    {
        var note = Path.Combine(folder, Name);
        if (File.Exists(note))
        {
            if (File.ReadAllText(note).Trim() is var found && found != plan.ToString())
                throw new UsageException($"'{folder}' was begun with {found}; say the same, or take another folder");
            return;
        }
        if (Directory.Exists(folder) && Directory.EnumerateFileSystemEntries(folder).Any())
            throw new UsageException($"'{folder}' is not empty, and was not begun by this; take another folder");
        Directory.CreateDirectory(folder);
        File.WriteAllText(note, $"{plan}\n");
    }
}
