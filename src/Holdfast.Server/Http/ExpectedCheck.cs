using Holdfast.Storage.Metadata;

namespace Holdfast.Server.Http;

/// <summary>A check that a server runs by itself.</summary>
/// <param name="Name">Its row among the checks.</param>
/// <param name="Interval">From one end to the next, with what is stored.</param>
internal readonly record struct ExpectedCheck(string Name, Func<VerifiedFigures, TimeSpan> Interval);
