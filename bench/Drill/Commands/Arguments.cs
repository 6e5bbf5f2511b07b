namespace Holdfast.Drill.Commands;

/// <summary>Options of one command: <c>--name value</c>, <c>--name=value</c> or a bare <c>--flag</c>.</summary>
internal sealed class Arguments
{
    private static readonly string[] Flags = ["json", "keep"];

    private readonly Dictionary<string, List<string>> _values = new(StringComparer.Ordinal);
    private readonly HashSet<string> _read = new(StringComparer.Ordinal);

    public Arguments(string[] arguments)
    {
        for (var i = 0; i < arguments.Length; i++)
        {
            if (!arguments[i].StartsWith("--", StringComparison.Ordinal))
                throw new UsageException($"unexpected argument '{arguments[i]}'");

            var name = arguments[i][2..];
            var equals = name.IndexOf('=', StringComparison.Ordinal);
            if (equals >= 0)
                Add(name[..equals], name[(equals + 1)..]);
            else if (Flags.Contains(name))
                Add(name, "true");
            else if (++i < arguments.Length)
                Add(name, arguments[i]);
            else
                throw new UsageException($"--{name} needs a value");
        }
    }

    public bool Has(string name) => All(name).Count > 0;

    public IReadOnlyList<string> All(string name)
    {
        _read.Add(name);
        return _values.TryGetValue(name, out var values) ? values : [];
    }

    public string? Text(string name) => All(name) is { Count: > 0 } values ? values[^1] : null;

    public string Required(string name) => Text(name) ?? throw new UsageException($"--{name} is missing");

    public int Count(string name, int otherwise) =>
        Text(name) is not { } text ? otherwise
        : int.TryParse(text, out var number) && number >= 0 ? number
        : throw new UsageException($"--{name}: '{text}' is not a whole number");

    public long Size(string name, long otherwise) =>
        Text(name) is not { } text ? otherwise
        : Quantity.TryParseSize(text, out var bytes) ? bytes
        : throw new UsageException($"--{name}: '{text}' is not a size such as 1GiB, 10MB or 512");

    public TimeSpan Duration(string name, TimeSpan otherwise) =>
        Text(name) is not { } text ? otherwise
        : Quantity.TryParseDuration(text, out var duration) ? duration
        : throw new UsageException($"--{name}: '{text}' is not a duration such as 10s, 500ms or 2m");

    /// <summary>Call after the last read: an option that nobody asked for is a typing error, not something to ignore.</summary>
    public void RefuseUnread()
    {
        foreach (var name in _values.Keys)
        {
            if (!_read.Contains(name))
                throw new UsageException($"unknown option --{name}");
        }
    }

    private void Add(string name, string value)
    {
        if (!_values.TryGetValue(name, out var values))
            _values[name] = values = [];
        values.Add(value);
    }
}
