using System.Text.Json;

namespace Holdfast.Oci;

/// <summary>
/// The members of a manifest or an index that a registry looks at, each checked by itself; whether they fit together is the parser's to say.
/// A member that is JSON null counts as absent, since that is how Go programs write an empty list or pointer.
/// </summary>
internal sealed class ManifestMembers
{
    private static readonly string[] Known =
        ["schemaVersion", "mediaType", "artifactType", "config", "layers", "manifests", "subject", "annotations", "fsLayers"];

    /// <summary>What is wrong, after a method returned false.</summary>
    public string? Problem { get; private set; }

    /// <summary>Null if it is missing or no number of 32 bits.</summary>
    public int? SchemaVersion { get; private set; }

    public string? MediaType { get; private set; }

    public string? ArtifactType { get; private set; }

    public Descriptor? Config { get; private set; }

    public List<Descriptor>? Layers { get; private set; }

    public List<Descriptor>? Manifests { get; private set; }

    public Descriptor? Subject { get; private set; }

    public string? AnnotationsJson { get; private set; }

    /// <summary>Is there a list of layers as Docker's schema 1 has it?</summary>
    public bool HasFsLayers { get; private set; }

    public bool TryRead(JsonElement root)
    {
        if (root.ValueKind != JsonValueKind.Object)
            return Refuse("it is JSON, but not an object");
        foreach (var member in root.EnumerateObject())
        {
            if (member.Value.ValueKind != JsonValueKind.Null && !TryRead(member))
                return false;
        }
        return true;
    }

    private bool TryRead(JsonProperty member)
    {
        var value = member.Value;
        switch (member.Name)
        {
            case "schemaVersion":
                SchemaVersion = value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out var version) ? version : null;
                return true;
            case "mediaType":
                return TryReadMediaType(value, "mediaType", text => MediaType = text);
            case "artifactType":
                return TryReadMediaType(value, "artifactType", text => ArtifactType = text);
            case "config":
                return TryReadDescriptor(value, "config", descriptor => Config = descriptor);
            case "subject":
                return TryReadDescriptor(value, "subject", descriptor => Subject = descriptor);
            case "layers":
                return TryReadDescriptors(value, "layers", Layers = []);
            case "manifests":
                return TryReadDescriptors(value, "manifests", Manifests = []);
            case "annotations":
                AnnotationsJson = value.GetRawText();
                return AreStrings(value) || Refuse("annotations is not an object whose values are all strings");
            case "fsLayers":
                HasFsLayers = true;
                return true;
            default:
                return MemberNames.FindLookalike(member.Name, Known) is not { } known || Refuse(MemberNames.Explain(member.Name, known));
        }
    }

    private bool TryReadMediaType(JsonElement value, string place, Action<string?> set)
    {
        var readable = DescriptorReader.TryReadMediaType(value, out var text);
        set(text.Length > 0 ? text : null);
        return readable || Refuse(DescriptorReader.ExplainMediaType(place));
    }

    private bool TryReadDescriptor(JsonElement value, string place, Action<Descriptor> set)
    {
        if (!DescriptorReader.TryRead(value, out var descriptor, out var problem))
            return Refuse(place + problem);
        set(descriptor);
        return true;
    }

    private bool TryReadDescriptors(JsonElement value, string place, List<Descriptor> descriptors)
    {
        if (value.ValueKind != JsonValueKind.Array)
            return Refuse($"{place} is not an array");
        descriptors.EnsureCapacity(value.GetArrayLength());
        foreach (var item in value.EnumerateArray())
        {
            if (!DescriptorReader.TryRead(item, out var descriptor, out var problem))
                return Refuse($"{place}[{descriptors.Count}]{problem}");
            descriptors.Add(descriptor);
        }
        return true;
    }

    private static bool AreStrings(JsonElement value)
    {
        if (value.ValueKind != JsonValueKind.Object)
            return false;
        foreach (var annotation in value.EnumerateObject())
        {
            if (annotation.Value.ValueKind != JsonValueKind.String)
                return false;
        }
        return true;
    }

    private bool Refuse(string problem)
    {
        Problem = problem;
        return false;
    }
}
