using System.Reflection.Metadata;

namespace Tidy.Metadata;

/// <param name="Place">File and line where it begins.</param>
/// <param name="Lines">Lines from the first statement to the closing brace.</param>
internal readonly record struct MethodLength(string Name, string Place, int Lines);

/// <summary>How long methods are, by the sequence points of the portable PDB: what the compiler saw, lambdas and async methods included.</summary>
internal static class MethodLengths
{
    public static IEnumerable<MethodLength> In(Assembly assembly)
    {
        using var provider = MetadataReaderProvider.FromPortablePdbStream(File.OpenRead(Path.ChangeExtension(assembly.Path, ".pdb")));
        var symbols = provider.GetMetadataReader();
        var found = new List<MethodLength>();
        foreach (var handle in symbols.MethodDebugInformation)
        {
            var points = symbols.GetMethodDebugInformation(handle).GetSequencePoints().Where(point => !point.IsHidden).ToList();
            if (points.Count == 0)
                continue;
            var file = symbols.GetString(symbols.GetDocument(points[0].Document).Name);
            if (file.Contains("/obj/", StringComparison.Ordinal) || file.EndsWith(".g.cs", StringComparison.Ordinal))
                continue;
            var first = points.Min(point => point.StartLine);
            var place = $"{Path.GetRelativePath(Repository.Root, file)}:{first}";
            found.Add(new MethodLength(NameOf(assembly.Reader, handle.ToDefinitionHandle()), place, points.Max(point => point.EndLine) - first + 1));
        }
        return found;
    }

    private static string NameOf(MetadataReader reader, MethodDefinitionHandle handle)
    {
        var method = reader.GetMethodDefinition(handle);
        return $"{reader.GetString(reader.GetTypeDefinition(method.GetDeclaringType()).Name)}.{reader.GetString(method.Name)}";
    }
}
