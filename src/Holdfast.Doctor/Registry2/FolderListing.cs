using Holdfast.Storage.Native;

namespace Holdfast.Doctor.Registry2;

/// <summary>Lists a folder as far as it can be read, and tells where it can't.</summary>
internal static class FolderListing
{
    public static IEnumerable<FolderEntry> Read(RootFolder root, string place, Action<FolderProblem> tell)
    {
        using var entries = TryStart(root, place, tell);
        while (entries is not null && TryNext(entries, place, tell))
            yield return entries.Current;
    }

    private static IEnumerator<FolderEntry>? TryStart(RootFolder root, string place, Action<FolderProblem> tell)
    {
        try
        {
            return root.List(place).GetEnumerator();
        }
        catch (DirectoryNotFoundException)
        {
            // A registry that runs took it away between two looks.
            return null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            tell(new FolderProblem(e is LinkedAwayException ? FolderProblemKind.Linked : FolderProblemKind.Unreadable, place, e.Message));
            return null;
        }
    }

    private static bool TryNext(IEnumerator<FolderEntry> entries, string place, Action<FolderProblem> tell)
    {
        try
        {
            return entries.MoveNext();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            tell(new FolderProblem(FolderProblemKind.Unreadable, place, e.Message));
            return false;
        }
    }
}
