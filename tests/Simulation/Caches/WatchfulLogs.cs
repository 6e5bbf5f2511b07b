using Microsoft.Extensions.Logging;

namespace Simulation.Caches;

/// <summary>Caches go on whatever happens, and write down what did. What neither disk nor upstream did is a bug, and ends the history.</summary>
internal sealed class WatchfulLogs(ServerProcess process) : ILoggerFactory, ILogger
{
    public ILogger CreateLogger(string categoryName) => this;

    public void AddProvider(ILoggerProvider provider) => throw new NotSupportedException("there is one");

    public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Error;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        if (exception is null or IOException or OperationCanceledException or InvalidDataException)
            return;
        process.Trace?.Invoke($"  {exception}");
        process.Fail(new BrokenPromiseException($"{formatter(state, exception)}: {exception.GetType().Name}: {exception.Message.ReplaceLineEndings(" ")}"));
    }

    public void Dispose()
    {
    }
}
