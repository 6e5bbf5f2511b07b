using System.CommandLine;
using Holdfast.Configuration;
using Holdfast.Doctor.Import;
using Holdfast.Doctor.Registry2;
using Holdfast.Doctor.Sources;
using Holdfast.Oci;
using Holdfast.Server.Http;

namespace Holdfast.Commands;

/// <summary>One call of <c>holdfast import</c>: opens the source and the target, goes through the source once or until it is told to end, and says what came of it.</summary>
internal sealed class ImportRun : IAsyncDisposable
{
    // A folder of millions of strange files is no reason to print millions of lines.
    private const int MaxNotes = 100;
    private const int MaxUnread = 10_000;

    private readonly ImportOrder _order;
    private readonly InvocationConfiguration _console;
    private ProgressDisplay _progress;
    private readonly Lock _lock = new();
    private readonly HashSet<string> _noted = new(StringComparer.Ordinal);
    private readonly HashSet<string> _told = new(StringComparer.Ordinal);
    private readonly HashSet<string> _unread = new(StringComparer.Ordinal);
    private readonly List<IAsyncDisposable> _open = [];

    public ImportRun(ImportOrder order, InvocationConfiguration console)
    {
        (_order, _console) = (order, console);
        _progress = new ProgressDisplay(console.Error, !Console.IsErrorRedirected, TimeProvider.System);
    }

    public async Task<int> RunAsync(HoldfastConfiguration configuration, RemoteAccess access, StopSignals signals, CancellationToken token)
    {
        access.Tell = Note;
        // The source first: who mistypes its name finds out before a data folder is opened.
        var source = await new ImportSources(_order, access, Note, NoteProblem).OpenAsync(token);
        _open.Add(source);
        var target = await ImportTargets.OpenAsync(_order, configuration, token);
        _open.Add(target);
        var importer = new Importer(source, target, new ImportOptions
        {
            IsWanted = IsWanted,
            PlaceOf = PlaceOf,
            TaggedOnly = _order.TaggedOnly,
            IsTrusted = _order.IsTrusted,
            IsDry = _order.IsDry,
            Parallel = _order.Parallel,
            NewUpload = Guid.NewGuid,
            Progress = Show,
        });
        var total = _order.IsFollowing && !_order.IsDry
            ? await FollowAsync(importer, target, signals, token)
            : await importer.RunAsync(token);
        _progress.Clear();
        if (_order.Repositories.Count > 0 && total.Repositories == 0 && total.FindingCount == 0)
            throw new RemoteFault($"no repository with an image in {source.Name} fits --repository {string.Join(", ", _order.Repositories)}");
        total.Unread = [.. _unread.Order(StringComparer.Ordinal)];
        if (_order.Json)
            await AdminCommand.WriteJsonAsync(_console.Output, ImportText.Json(source.Name, target.Name, _order, total));
        else
            await _console.Output.WriteAsync(ImportText.Words(target.Name, _order, total));
        return total.IsComplete ? RootCommands.Fine : RootCommands.Findings;
    }

    public async ValueTask DisposeAsync()
    {
        _progress.Dispose();
        for (var i = _open.Count - 1; i >= 0; i--)
            await _open[i].DisposeAsync();
    }

    // The last look begins after the signal: whoever has stopped the pushes by then has everything when it ends.
    private async Task<ImportReport> FollowAsync(Importer importer, ImportTarget target, StopSignals signals, CancellationToken token)
    {
        var total = new ImportReport();
        while (true)
        {
            var isLast = signals.First.IsCompleted;
            // What was unreadable at the look before may be readable at this one; and each look has progress of its own.
            lock (_lock)
            {
                _unread.Clear();
                _progress = new ProgressDisplay(_console.Error, !Console.IsErrorRedirected, TimeProvider.System);
            }
            var round = await RoundAsync(importer, isLast, token);
            if (round is not null)
            {
                TellRound(round, target);
                // What was not whole a moment ago may be by now: only the last look counts.
                if (isLast)
                    total.Add(round);
                else
                    total.AddTaken(round);
            }
            if (isLast)
                return total;
            await Task.WhenAny(signals.First, Task.Delay(_order.Interval, token));
            token.ThrowIfCancellationRequested();
        }
    }

    private async Task<ImportReport?> RoundAsync(Importer importer, bool isLast, CancellationToken token)
    {
        try
        {
            return await importer.RunAsync(token);
        }
        catch (SourceException e) when (!isLast)
        {
            // It may be restarting; the next look tries again.
            Note(e.Message);
            return null;
        }
    }

    private void TellRound(ImportReport round, ImportTarget target)
    {
        lock (_lock)
            _progress.Clear();
        if (!round.IsEmpty)
            _console.Error.WriteLine(ImportText.Round(target.Name, round));
        foreach (var finding in round.Findings)
        {
            var line = ImportText.Line(finding);
            if (_told.Count < MaxNotes * 100 && _told.Add(line))
                _console.Error.WriteLine(line);
        }
    }

    private bool IsWanted(RepositoryName name) =>
        _order.Repositories.Count == 0 || _order.Repositories.Any(pattern => pattern.Matches(name.ToString()));

    private RepositoryName PlaceOf(RepositoryName name)
    {
        if (!_order.Into.IsNone)
            return _order.Into;
        if (_order.Prefix.IsNone || name.IsNone)
            return name;
        return RepositoryName.TryParse($"{_order.Prefix}/{name}", out var place) ? place : throw new RemoteFault($"--prefix {_order.Prefix}: {_order.Prefix}/{name} is longer than a name may be");
    }

    private void Show(ImportProgress progress)
    {
        lock (_lock)
            _progress.Show(new AdminProgress(progress.Step, progress.Done, progress.Total, progress.Unit));
    }

    private void NoteProblem(FolderProblem problem)
    {
        var text = $"{problem.Path}: {problem.Detail}";
        if (problem.Kind == FolderProblemKind.Strange)
        {
            Note(text);
            return;
        }
        lock (_lock)
        {
            if (_unread.Count < MaxUnread)
                _unread.Add(text);
        }
    }

    private void Note(string text)
    {
        lock (_lock)
        {
            if (_noted.Count > MaxNotes || !_noted.Add(text))
                return;
            _progress.Clear();
            _console.Error.WriteLine(_noted.Count > MaxNotes ? "note: and more like these" : $"note: {text}");
        }
    }
}
