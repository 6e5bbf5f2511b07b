using Holdfast.Client.Walk;
using Holdfast.Doctor.Registry2;
using Holdfast.Doctor.Scan;

namespace Holdfast.Commands;

/// <summary>What each finding of a scan is called, what it means and what mends it.</summary>
internal static class ScanWords
{
    public static string Of(DamageKind kind) => kind switch
    {
        DamageKind.Unlinked => "unlinked",
        DamageKind.Shell => "shell",
        DamageKind.Gone => "gone",
        DamageKind.Tag => "tag",
        DamageKind.Data => "data",
        DamageKind.BadLink => "bad-link",
        DamageKind.Unreadable => "unreadable",
        _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, null),
    };

    public static string Of(ContentState state) => state switch
    {
        ContentState.Whole => "whole",
        ContentState.Absent => "absent",
        ContentState.ZeroLength => "zero-length",
        ContentState.WrongSize => "wrong-size",
        ContentState.WrongHash => "wrong-hash",
        ContentState.Unreadable => "unreadable",
        _ => throw new ArgumentOutOfRangeException(nameof(state), state, null),
    };

    public static string Of(StepRole role) => role switch
    {
        StepRole.Config => "config",
        StepRole.Layer => "layer",
        StepRole.Root => "blob",
        _ => "manifest",
    };

    /// <summary>How a link came to be missing: absent folders are the collection's work, empty ones the API's.</summary>
    public static string Of(LinkState state) => state switch
    {
        LinkState.Present => "present",
        LinkState.Absent => "collected",
        LinkState.EmptyFolder => "deleted",
        LinkState.Bad => "bad",
        LinkState.Unreadable => "unreadable",
        _ => throw new ArgumentOutOfRangeException(nameof(state), state, null),
    };

    public static string Explain(LinkState state) => state switch
    {
        LinkState.Absent => "collected (garbage-collect -m takes the link's folder away)",
        LinkState.EmptyFolder => "deleted through the API (the link's folder is left empty)",
        LinkState.Bad => "there, but bad",
        LinkState.Unreadable => "unreadable",
        _ => "there",
    };

    public static string Meaning(DamageKind kind) => kind switch
    {
        DamageKind.Unlinked => "every byte is there, and the repository lacks a link to it, so that the registry answers 404",
        DamageKind.Shell => "the manifest's bytes are there, its config or layers are not: what garbage-collect swept, or what was lost or damaged on disk",
        DamageKind.Gone => "the manifest's own bytes are gone or damaged",
        DamageKind.Tag => "the tag is listed, and a pull of it answers 404",
        DamageKind.Data => "this file does not hold what its name says; the registry serves it as it is, and a push of the right bytes does not replace it",
        DamageKind.BadLink => "the registry can't read this link and answers 500 where this blob is asked for, also to a push that shares it",
        DamageKind.Unreadable => "this could not be read, so that nothing is known about what is in it: neither that it is whole nor that it is lost",
        _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, null),
    };

    public static string Remedy(DamageKind kind) => kind switch
    {
        DamageKind.Unlinked => "`holdfast repair DIR --apply` writes the link",
        DamageKind.Shell => "`holdfast repair DIR --donor SOURCE` fetches what is missing from wherever it still is; or restart the registry, then build and push the image again "
            + "(without a restart it may claim to have blobs that are swept, and the push skips them)",
        DamageKind.Gone => "`holdfast repair DIR --donor SOURCE` fetches it from wherever it still is; or restart the registry, then build and push the image again",
        DamageKind.Tag => "push the tag again, or remove its folder while the registry is stopped; the detail tells what it named before",
        DamageKind.Data => "`holdfast repair DIR --donor SOURCE` puts the right bytes in its place; or stop the registry, remove the file's folder, start it, and push again (a cache fetches again)",
        DamageKind.BadLink => "`holdfast repair DIR --apply` writes the link anew",
        DamageKind.Unreadable => "scan as root or as the registry's user; put the file itself where a symbolic link or something else stands; if neither helps, see the system's log for the disk's errors",
        _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, null),
    };
}
