using Holdfast.Configuration;

namespace Holdfast.Registry2;

/// <summary>What becomes of one setting.</summary>
/// <param name="Key">As registry:2 names it.</param>
/// <param name="Text">Where it stands now, or why it doesn't; one line, and never a secret.</param>
internal sealed record Remark(string Key, Origin Origin, Verdict Verdict, string Text)
{
    /// <summary>Is it something that whoever moves in must look at?</summary>
    public bool IsFinding => Verdict is Verdict.NotHere or Verdict.Unknown or Verdict.Wrong;
}
