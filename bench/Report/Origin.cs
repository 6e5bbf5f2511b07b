using Holdfast.Bench;
using Holdfast.Bench.Report;

namespace Holdfast.Report;

/// <summary>Which program measured what, when and where; it stands below a chart.</summary>
internal sealed record Origin(DataSet DataSet, string Program, DateTimeOffset Begun, GeneratorMachine Machine);
