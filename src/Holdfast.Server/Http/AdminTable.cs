using System.Diagnostics.CodeAnalysis;

namespace Holdfast.Server.Http;

/// <summary>Answers one method on one place of the administration's interface.</summary>
internal delegate Task AdminHandler(AdminRequest request);

/// <summary>
/// Which handler answers which method on which place of <c>/api/v1/</c>. The places are few and asked seldom, so they are tried one after the other.
/// </summary>
internal sealed class AdminTable
{
    public const string Root = "/api/v1/";

    private readonly List<Route> _routes = [];

    /// <param name="template">
    /// Segments, of which <c>{name}</c> stands for any one: <c>/api/v1/incidents/{id}/acknowledge</c>. Where two templates fit, the one that says more literally wins.
    /// </param>
    public AdminTable Map(string method, string template, AdminHandler handler)
    {
        if (!template.StartsWith(Root, StringComparison.Ordinal))
            throw new ArgumentException($"'{template}' doesn't begin with {Root}", nameof(template));
        var route = new Route(method, template[1..].Split('/'), handler);
        if (_routes.Exists(other => other.Method == method && other.HasShapeOf(route)))
            throw new ArgumentException($"{method} {template} is mapped already", nameof(template));
        _routes.Add(route);
        return this;
    }

    /// <param name="path">Undecoded.</param>
    /// <param name="match">The handler and the values of the template's names, decoded: a slash in a value comes as %2F.</param>
    public bool TryFind(string method, ReadOnlySpan<char> path, [NotNullWhen(true)] out AdminMatch? match)
    {
        var segments = Split(path);
        var best = _routes.Where(route => route.Method == method && route.Fits(segments)).MaxBy(route => route.Literals);
        match = best is null ? null : new AdminMatch(best.Handler, best.ValuesOf(segments));
        return match is not null;
    }

    /// <summary>For the Allow header; empty if nothing is mapped on that place.</summary>
    public string MethodsOf(ReadOnlySpan<char> path)
    {
        var segments = Split(path);
        return string.Join(", ", _routes.Where(route => route.Fits(segments)).Select(route => route.Method).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal));
    }

    private static string[] Split(ReadOnlySpan<char> path) => path.TrimStart('/').ToString().Split('/');

    private sealed record Route(string Method, string[] Template, AdminHandler Handler)
    {
        public int Literals => Template.Count(segment => !IsName(segment));

        public bool Fits(string[] segments) =>
            segments.Length == Template.Length
            && Template.Zip(segments).All(pair => IsName(pair.First) ? pair.Second.Length > 0 : pair.First == pair.Second);

        public bool HasShapeOf(Route other) =>
            other.Template.Length == Template.Length
            && Template.Zip(other.Template).All(pair => pair.First == pair.Second || (IsName(pair.First) && IsName(pair.Second)));

        public Dictionary<string, string> ValuesOf(string[] segments) =>
            Template.Zip(segments).Where(pair => IsName(pair.First))
                .ToDictionary(pair => pair.First[1..^1], pair => Uri.UnescapeDataString(pair.Second), StringComparer.Ordinal);

        private static bool IsName(string segment) => segment is ['{', .., '}'];
    }
}

/// <param name="Values">By the template's names.</param>
internal sealed record AdminMatch(AdminHandler Handler, IReadOnlyDictionary<string, string> Values);
