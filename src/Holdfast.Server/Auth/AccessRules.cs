using System.Collections.Frozen;
using Holdfast.Oci;
using Holdfast.Server.Http;

namespace Holdfast.Server.Auth;

/// <summary>Who may do what, put in order once so that a request asks a few comparisons.</summary>
internal sealed class AccessRules
{
    private const string EveryUser = "*";
    private const string AnonymousUser = "anonymous";

    private readonly FrozenDictionary<string, Permissions> _named;
    private readonly Permissions _unnamed;

    /// <exception cref="InvalidDataException">A pattern is not right; the message has a line for every problem.</exception>
    public AccessRules(AuthOptions options)
    {
        CheckPatterns(options.Access);
        Anonymous = new Permissions(options.Anonymous, RulesFor(options.Access, [AnonymousUser]));
        // Who logs in loses nothing that he had without.
        var everyone = options.Anonymous | (options.Access.Count == 0 ? RegistryActions.All : RegistryActions.None);
        _unnamed = new Permissions(everyone, RulesFor(options.Access, [AnonymousUser, EveryUser]));
        _named = options.Access
            .SelectMany(r => r.Users)
            .Where(u => u is not (EveryUser or AnonymousUser))
            .Distinct(StringComparer.Ordinal)
            .ToFrozenDictionary(
                u => u, u => new Permissions(everyone, RulesFor(options.Access, [AnonymousUser, EveryUser, u])), StringComparer.Ordinal);
    }

    /// <summary>Everyone named in a rule by his own name.</summary>
    public IEnumerable<string> NamedUsers => _named.Keys;

    public Permissions Anonymous { get; }

    /// <param name="user">Null for an anonymous caller.</param>
    public Permissions For(string? user) => user is null ? Anonymous : _named.GetValueOrDefault(user, _unnamed);

    private static IEnumerable<AccessRule> RulesFor(IReadOnlyList<AccessRule> rules, string[] names) =>
        rules.Where(r => r.Users.Any(u => names.Contains(u, StringComparer.Ordinal)));

    private static void CheckPatterns(IReadOnlyList<AccessRule> rules)
    {
        var problems = rules
            .SelectMany(r => r.Repositories)
            .Select(p => RepositoryPattern.TryParse(p, out _, out var problem) ? null : $"access: {problem}")
            .OfType<string>()
            .ToList();
        if (problems.Count > 0)
            throw new InvalidDataException(string.Join('\n', problems));
    }
}

/// <summary>What one user may do.</summary>
internal sealed class Permissions
{
    private readonly RegistryActions _everywhere;
    private readonly FrozenDictionary<string, RegistryActions> _literal;
    private readonly (RepositoryPattern Pattern, RegistryActions Actions)[] _patterns;

    public Permissions(RegistryActions everywhere, IEnumerable<AccessRule> rules)
    {
        _everywhere = everywhere;
        var literal = new Dictionary<string, RegistryActions>(StringComparer.Ordinal);
        var patterns = new List<(RepositoryPattern Pattern, RegistryActions Actions)>();
        foreach (var (text, actions) in rules.SelectMany(r => r.Repositories.Select(p => (p, r.Actions))))
        {
            if (!RepositoryPattern.TryParse(text, out var pattern, out _))
                continue;
            if (pattern.IsEverything)
                _everywhere |= actions;
            else if (pattern.IsLiteral)
                literal[text] = literal.GetValueOrDefault(text) | actions;
            else
                patterns.Add((pattern, actions));
        }
        _literal = literal.ToFrozenDictionary(StringComparer.Ordinal);
        _patterns = [.. patterns];
    }

    /// <summary>Is there any repository to which anything may be done?</summary>
    public bool IsNothing => _everywhere == RegistryActions.None && _literal.Count == 0 && _patterns.Length == 0;

    /// <summary>Administration is of the whole server, so a rule grants it by "**" alone.</summary>
    public bool MayAdminister => (_everywhere & RegistryActions.Admin) != 0;

    public RegistryActions Of(RepositoryName repository)
    {
        var actions = _everywhere;
        if (actions == (RegistryActions.All | RegistryActions.Admin) || (_literal.Count == 0 && _patterns.Length == 0))
            return actions;
        var name = repository.ToString();
        actions |= _literal.GetValueOrDefault(name);
        foreach (var (pattern, granted) in _patterns)
        {
            // What a rule can't add need not be matched.
            if ((granted & ~actions) != 0 && pattern.Matches(name))
                actions |= granted;
        }
        return actions;
    }
}
