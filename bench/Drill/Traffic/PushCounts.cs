using System.Collections.Concurrent;
using Holdfast.Drill.Protocol;

namespace Holdfast.Drill.Traffic;

/// <summary>What became of a client's requests.</summary>
internal sealed class PushCounts
{
    /// <summary>Images that were acknowledged.</summary>
    public long Pushed { get; set; }

    /// <summary>Images that were pushed again as a whole, because something that was skipped had gone.</summary>
    public long Repeated { get; set; }

    /// <summary>Images that were refused even so.</summary>
    public long Refused { get; set; }

    public long Unanswered { get; private set; }

    /// <summary>Answers that no server may give.</summary>
    public ConcurrentQueue<string> Faults { get; } = [];

    /// <returns>The answer's status.</returns>
    public int Note(Answer answer, string what, params ReadOnlySpan<int> expected)
    {
        if (!answer.IsKnown)
            Unanswered++;
        else if (!expected.Contains(answer.Status))
            Faults.Enqueue($"{what}: {answer}");
        return answer.Status;
    }
}
