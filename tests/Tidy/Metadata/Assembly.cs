using System.Reflection;
using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;

namespace Tidy.Metadata;

/// <summary>A compiled assembly of this build, read from its file; those of the two lists below stay open as long as the rules run.</summary>
internal sealed class Assembly : IDisposable
{
    private readonly PEReader _file;
    private readonly MetadataReader _reader;

    private Assembly(string path)
    {
        _file = new PEReader(File.OpenRead(path));
        _reader = _file.GetMetadataReader();
        Path = path;
        Name = _reader.GetString(_reader.GetAssemblyDefinition().Name);
    }

    public string Path { get; }

    public string Name { get; }

    public MetadataReader Reader => _reader;

    /// <summary>Every project of src.</summary>
    public static IReadOnlyList<Assembly> Source { get; } = Open("src");

    /// <summary>Every project of tests, this one included.</summary>
    public static IReadOnlyList<Assembly> Tests { get; } = Open("tests");

    public IEnumerable<string> References =>
        _reader.AssemblyReferences.Select(handle => _reader.GetString(_reader.GetAssemblyReference(handle).Name));

    /// <summary>The types that stand in source, nested ones included, compiler-made ones not.</summary>
    public IEnumerable<TypeDefinition> Types =>
        _reader.TypeDefinitions.Select(_reader.GetTypeDefinition)
            .Where(type => !_reader.GetString(type.Name).Contains('<') && OutermostOf(type) is { Namespace.Length: > 0 });

    public TypeName NameOf(TypeDefinition type) => OutermostOf(type) with { Name = WithoutArity(_reader.GetString(type.Name)) };

    /// <summary>Who names whom, each pair once.</summary>
    public IReadOnlySet<Edge> Edges => field ??= FindEdges();

    /// <returns>Names of the members of other assemblies that are used here: the declaring type's full name, a dot, the member's name.</returns>
    public IEnumerable<string> UsedMembers()
    {
        foreach (var member in _reader.MemberReferences.Select(_reader.GetMemberReference))
        {
            foreach (var type in TypesIn(member.Parent).Take(1))
                yield return $"{type.Namespace}.{type.Name}.{_reader.GetString(member.Name)}";
        }
    }

    public IEnumerable<TypeName> InterfacesOf(TypeDefinition type) =>
        type.GetInterfaceImplementations().SelectMany(handle => TypesIn(_reader.GetInterfaceImplementation(handle).Interface).Take(1));

    public void Dispose() => _file.Dispose();

    public bool IsInterface(TypeDefinition type) => type.Attributes.HasFlag(TypeAttributes.Interface);

    private static Assembly[] Open(string folder) =>
        [.. Repository.Projects(folder).Select(project => new Assembly(FindOutput(System.IO.Path.Combine(Repository.Root, folder, project), project)))];

    private static string FindOutput(string directory, string project)
    {
        var output = System.IO.Path.Combine(directory, "bin", Repository.Configuration, "net10.0");
        return Array.Find([$"{project}.dll", $"{project.ToLowerInvariant()}.dll"], name => File.Exists(System.IO.Path.Combine(output, name))) is { } file
            ? System.IO.Path.Combine(output, file)
            : throw new InvalidOperationException($"{project} has no assembly in its {Repository.Configuration} output");
    }

    private HashSet<Edge> FindEdges()
    {
        var edges = new HashSet<Edge>();
        foreach (var type in _reader.TypeDefinitions.Select(_reader.GetTypeDefinition))
        {
            var from = OutermostOf(type);
            foreach (var handle in HandlesIn(type))
                edges.UnionWith(TypesIn(handle).Where(to => to != from).Select(to => new Edge(from, to)));
        }
        return edges;
    }

    private IEnumerable<EntityHandle> HandlesIn(TypeDefinition type)
    {
        var handles = new List<EntityHandle> { type.BaseType };
        handles.AddRange(type.GetInterfaceImplementations().Select(handle => _reader.GetInterfaceImplementation(handle).Interface));
        handles.AddRange(type.GetGenericParameters().SelectMany(parameter => _reader.GetGenericParameter(parameter).GetConstraints())
            .Select(constraint => _reader.GetGenericParameterConstraint(constraint).Type));
        handles.AddRange(type.GetFields().Select(handle => (EntityHandle)handle));
        handles.AddRange(type.GetCustomAttributes().Select(handle => _reader.GetCustomAttribute(handle).Constructor));
        foreach (var handle in type.GetMethods())
        {
            var method = _reader.GetMethodDefinition(handle);
            handles.Add(handle);
            handles.AddRange(method.GetCustomAttributes().Select(attribute => _reader.GetCustomAttribute(attribute).Constructor));
            if (method.RelativeVirtualAddress == 0)
                continue;
            var body = _file.GetMethodBody(method.RelativeVirtualAddress);
            handles.AddRange(Code.Tokens(body));
            handles.AddRange(body.ExceptionRegions.Select(region => region.CatchType));
            handles.Add(body.LocalSignature);
        }
        return handles.Where(handle => !handle.IsNil);
    }

    private HashSet<TypeName> TypesIn(EntityHandle handle)
    {
        var found = new HashSet<TypeName>();
        Collect(handle, new TypeCollector(Resolve, found), found);
        return found;
    }

    private void Collect(EntityHandle handle, TypeCollector collector, HashSet<TypeName> found)
    {
        switch (handle.Kind)
        {
            case HandleKind.TypeDefinition or HandleKind.TypeReference:
                found.Add(Resolve(handle));
                break;
            case HandleKind.TypeSpecification:
                _reader.GetTypeSpecification((TypeSpecificationHandle)handle).DecodeSignature(collector, null);
                break;
            case HandleKind.MethodDefinition:
                var method = _reader.GetMethodDefinition((MethodDefinitionHandle)handle);
                found.Add(Resolve(method.GetDeclaringType()));
                method.DecodeSignature(collector, null);
                break;
            case HandleKind.FieldDefinition:
                var fieldDefinition = _reader.GetFieldDefinition((FieldDefinitionHandle)handle);
                found.Add(Resolve(fieldDefinition.GetDeclaringType()));
                fieldDefinition.DecodeSignature(collector, null);
                break;
            case HandleKind.MemberReference:
                var member = _reader.GetMemberReference((MemberReferenceHandle)handle);
                Collect(member.Parent, collector, found);
                if (member.GetKind() == MemberReferenceKind.Field)
                    member.DecodeFieldSignature(collector, null);
                else
                    member.DecodeMethodSignature(collector, null);
                break;
            case HandleKind.MethodSpecification:
                var specification = _reader.GetMethodSpecification((MethodSpecificationHandle)handle);
                Collect(specification.Method, collector, found);
                specification.DecodeSignature(collector, null);
                break;
            case HandleKind.StandaloneSignature:
                var signature = _reader.GetStandaloneSignature((StandaloneSignatureHandle)handle);
                if (signature.GetKind() == StandaloneSignatureKind.LocalVariables)
                    signature.DecodeLocalSignature(collector, null);
                break;
            default:
                break;
        }
    }

    private TypeName Resolve(EntityHandle handle)
    {
        if (handle.Kind == HandleKind.TypeDefinition)
            return OutermostOf(_reader.GetTypeDefinition((TypeDefinitionHandle)handle));
        var reference = _reader.GetTypeReference((TypeReferenceHandle)handle);
        if (reference.ResolutionScope.Kind == HandleKind.TypeReference)
            return Resolve(reference.ResolutionScope);
        var assembly = reference.ResolutionScope.Kind == HandleKind.AssemblyReference
            ? _reader.GetString(_reader.GetAssemblyReference((AssemblyReferenceHandle)reference.ResolutionScope).Name)
            : Name;
        return new TypeName(assembly, _reader.GetString(reference.Namespace), WithoutArity(_reader.GetString(reference.Name)));
    }

    private TypeName OutermostOf(TypeDefinition type)
    {
        while (!type.GetDeclaringType().IsNil)
            type = _reader.GetTypeDefinition(type.GetDeclaringType());
        return new TypeName(Name, _reader.GetString(type.Namespace), WithoutArity(_reader.GetString(type.Name)));
    }

    private static string WithoutArity(string name) => name.Split('`')[0];
}
