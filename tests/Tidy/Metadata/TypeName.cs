namespace Tidy.Metadata;

/// <summary>A type as it stands in source: nested and compiler-made types count as the outermost type that they lie in.</summary>
internal readonly record struct TypeName(string Assembly, string Namespace, string Name)
{
    public override string ToString() => $"{Namespace}.{Name}";
}

/// <summary>One type names another, in a signature, a base, an attribute or a method's code.</summary>
internal readonly record struct Edge(TypeName From, TypeName To)
{
    public override string ToString() => $"{From} -> {To}";
}
