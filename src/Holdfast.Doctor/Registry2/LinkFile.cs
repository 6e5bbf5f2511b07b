using System.Text;
using Holdfast.Oci;
using Holdfast.Storage.Native;

namespace Holdfast.Doctor.Registry2;

/// <summary>What stands where registry:2 keeps a link.</summary>
public enum LinkState
{
    /// <summary>Neither the file nor its folder: never there, or collected by <c>garbage-collect -m</c>, which takes the folder away.</summary>
    Absent,

    /// <summary>The folder without the file: deleted through the API, which leaves the folder.</summary>
    EmptyFolder,

    /// <summary>It holds a digest, the one that is expected there.</summary>
    Present,

    /// <summary>It holds something else than the registry writes, or leads to another digest than the one it is for.</summary>
    Bad,

    /// <summary>Whether it is there is not known (P6).</summary>
    Unreadable,
}

/// <param name="Target">What it leads to, if it holds a digest.</param>
/// <param name="Problem">Why it is bad or unreadable.</param>
/// <param name="WrittenAt">When the file was last written.</param>
public sealed record LinkFile(LinkState State, Digest Target, string? Problem, DateTimeOffset? WrittenAt)
{
    // A sha512 digest has 135 characters; what is longer is no link anyway.
    private const int MaxBytes = 256;

    public bool IsPresent => State == LinkState.Present;

    /// <summary>Something is there, be it good or bad, or may be there.</summary>
    public bool MayBeThere => State is LinkState.Present or LinkState.Bad or LinkState.Unreadable;

    /// <param name="folder">The link's folder, from the root; the file is called link.</param>
    /// <param name="expected">What it must lead to; none if it may be any digest.</param>
    internal static LinkFile Read(RootFolder root, string folder, Digest expected)
    {
        try
        {
            using var file = root.TryOpen(folder + "/link", out var state);
            if (file is null)
                return new LinkFile(root.TryExamine(folder) is null ? LinkState.Absent : LinkState.EmptyFolder, default, null, null);
            Span<byte> bytes = stackalloc byte[MaxBytes];
            var count = 0;
            for (int read; count < MaxBytes && (read = RandomAccess.Read(file, bytes[count..], count)) > 0;)
                count += read;
            return Judge(bytes[..count], state, expected);
        }
        catch (LinkedAwayException e)
        {
            return new LinkFile(LinkState.Bad, default, e.Message, null);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return new LinkFile(LinkState.Unreadable, default, e.Message, null);
        }
    }

    private static LinkFile Judge(ReadOnlySpan<byte> bytes, EntryState state, Digest expected)
    {
        var text = Encoding.Latin1.GetString(bytes);
        string? problem = null;
        if (!Digest.TryParse(text, out var target))
            problem = Explain(text);
        else if (!expected.IsNone && target != expected)
            problem = $"the link leads to {target} instead";
        return new LinkFile(problem is null ? LinkState.Present : LinkState.Bad, target, problem, state.ModifiedAt);
    }

    private static string Explain(string text)
    {
        if (text.Length == 0)
            return "the link is an empty file";
        if (Digest.TryParse(text.Trim(), out _))
            return "the link has white space or a newline around its digest, which the registry does not accept";
        return $"the link holds {Quoted.Of(text)}, which is no digest";
    }
}
