using Holdfast.Server;
using Holdfast.Server.Http;

namespace Holdfast.Configuration;

/// <summary>Finds patterns of rules that are never used, since the first rule that fits a repository holds for it.</summary>
internal sealed class RetentionOverlap(IReadOnlyList<string> registries, Problems problems)
{
    private readonly List<(string Registry, RepositoryPattern Pattern, Origin Origin)> seen = [];

    public void Add(MapSetting map, string path, RetentionOptions rule)
    {
        var names = rule.Registries.Contains("*", StringComparer.Ordinal) ? registries : [.. rule.Registries.Intersect(registries, StringComparer.Ordinal)];
        var earlier = seen.Count;
        foreach (var setting in map.List("repositories").OfType<ScalarSetting>().Where(s => !s.Bad))
        {
            if (!RepositoryPattern.TryParse(setting.Text, out var pattern, out _))
                continue;
            var covers = names.Select(n => seen.Take(earlier).FirstOrDefault(s => s.Registry == n && s.Pattern.Covers(pattern))).ToList();
            if (covers.Count > 0 && covers.All(c => c.Pattern is not null))
            {
                problems.AddFinding(
                    setting.Origin, $"{path}.repositories", $"{Problems.Quote(setting.Text)} is never used: the rule at {covers[0].Origin.Text} holds for all that it fits ({covers[0].Pattern}); put this rule before that one, or remove it");
            }

            seen.AddRange(names.Select(n => (n, pattern, map.Origin)));
        }
    }
}
