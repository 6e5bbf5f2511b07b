using Xunit.v3;

namespace Holdfast.Testing;

/// <summary>Says which rule of the distribution-spec a test proves; <c>docs/spec-map.md</c> is generated from these.</summary>
/// <param name="version">"1.1.1", or "dev" for what came after it.</param>
/// <param name="id">An id of the specification (end-6, code-1) or a short heading of the section.</param>
[AttributeUsage(AttributeTargets.Method, AllowMultiple = true)]
internal sealed class SpecAttribute(string version, string id) : Attribute, ITraitAttribute
{
    public string Version => version;

    public string Id => id;

    public IReadOnlyCollection<KeyValuePair<string, string>> GetTraits() => [new("Spec", $"{version} {id}")];
}

/// <summary>Says which of the promises P1 to P10 a test proves.</summary>
[AttributeUsage(AttributeTargets.Method, AllowMultiple = true)]
internal sealed class PromiseAttribute(string name) : Attribute, ITraitAttribute
{
    public string Name => name;

    public IReadOnlyCollection<KeyValuePair<string, string>> GetTraits() => [new("Promise", name)];
}
