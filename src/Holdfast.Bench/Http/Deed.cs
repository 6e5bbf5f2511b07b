namespace Holdfast.Bench.Http;

/// <summary>What a request does, as far as a registry asks who may do it.</summary>
internal enum Deed
{
    Pull,
    Push,
    Delete,
    List,
}
