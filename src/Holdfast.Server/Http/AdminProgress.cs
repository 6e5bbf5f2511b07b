namespace Holdfast.Server.Http;

/// <summary>How far long work has come.</summary>
/// <param name="Step">What is being done, in a word or three: "hashing blobs".</param>
/// <param name="Done">So many of the unit since the step began.</param>
/// <param name="Total">Null if nobody knows.</param>
/// <param name="Unit">What is counted: "bytes", "blobs", "tags".</param>
public sealed record AdminProgress(string Step, long Done, long? Total, string Unit);
