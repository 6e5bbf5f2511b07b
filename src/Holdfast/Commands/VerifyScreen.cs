using Holdfast.Server.Http;

namespace Holdfast.Commands;

/// <summary>What a person sees while verify works: progress, what the registry asks for, and each repository with findings as soon as it is done.</summary>
internal sealed class VerifyScreen(TextWriter output, TextWriter errors, bool isTerminal, TimeProvider time) : IDisposable
{
    private readonly Lock _lock = new();
    private readonly ProgressDisplay _progress = new(errors, isTerminal, time);

    public void Show(AdminProgress progress)
    {
        lock (_lock)
            _progress.Show(progress);
    }

    public void Tell(string line)
    {
        lock (_lock)
        {
            _progress.Clear();
            errors.WriteLine($"holdfast: {line}");
        }
    }

    public void Print(string text)
    {
        lock (_lock)
        {
            _progress.Clear();
            output.Write(text);
            output.Flush();
        }
    }

    public void Clear()
    {
        lock (_lock)
            _progress.Clear();
    }

    public void Dispose() => _progress.Dispose();
}
