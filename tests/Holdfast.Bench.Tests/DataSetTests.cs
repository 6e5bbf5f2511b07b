using Holdfast.Bench.Loops;
using Shouldly;
using Xunit;

namespace Holdfast.Bench.Tests;

public class DataSetTests
{
    private static readonly BenchPlan Plan = new() { Workloads = [Workload.Push], Sizes = [1_000_000], Seed = 1 };

    [Fact]
    public void Id_OfAnotherSeedLengthOrNumberOfRounds_IsTheSame() =>
        Id(Plan with { Seed = 2, Duration = TimeSpan.FromHours(1), Rounds = 9, Clean = true, Threads = 7 }).ShouldBe(Id(Plan));

    [Fact]
    public void Id_OfAnythingThatMattersToAPush_Differs()
    {
        BenchPlan[] others =
        [
            Plan with { Sizes = [1 << 20] }, Plan with { Connections = 17 }, Plan with { Rate = 5 }, Plan with { Requests = 5 }, Plan with { Layers = 2 },
            Plan with { Repositories = 2 }, Plan with { Upload = Upload.Put }, Plan with { Workloads = [Workload.Pull] },
        ];

        others.Append(Plan).Select(Id).Distinct().Count().ShouldBe(others.Length + 1);
    }

    [Fact]
    public void Id_OfWhatAWorkloadDoesNotUse_IsTheSame()
    {
        var tags = Plan with { Workloads = [Workload.Tags] };

        Id(tags with { Sizes = [5000], Layers = 3, Upload = Upload.Put, Repositories = 7, Verify = true }).ShouldBe(Id(tags));
        Id(tags with { Entries = 5 }).ShouldNotBe(Id(tags));
    }

    [Fact]
    public void DifferencesFrom_OfTwo_NamesEachMemberAsJsonDoes()
    {
        var differences = Of(Plan).DifferencesFrom(Of(Plan with { Connections = 4, Rate = 9 }));

        differences.ShouldBe([("connections", "16", "4"), ("loop", "\"closed\"", "\"open\""), ("rate", "none", "9")], ignoreOrder: true);
    }

    [Fact]
    public void Title_OfAPush_SaysWhatIsDone() =>
        Of(Plan with { Rate = 200, Layers = 2, Repositories = 3, Connections = 1 }).Title().ShouldBe("push, 1 MB, 2 layers, 3 repositories, 1 connection, open loop at 200/s");

    [Fact]
    public void Scenarios_OfSeveralSizes_MultiplyOnlyWhatHasSizes() =>
        (Plan with { Workloads = [Workload.Push, Workload.Tags, Workload.Delete], Sizes = [1024, 2048] }).Scenarios().Select(one => one.DataSet.Workload).ShouldBe(["push", "push", "tags", "delete"]);

    [Theory]
    [InlineData(1024, "1 KiB")]
    [InlineData(10_000_000, "10 MB")]
    [InlineData(1L << 30, "1 GiB")]
    [InlineData(1_000_001, "1000001 B")]
    public void Size_AsItWasAskedFor_IsPrinted(long bytes, string expected) => Quantities.Size(bytes).ShouldBe(expected);

    private static DataSet Of(BenchPlan plan) => plan.Scenarios()[0].DataSet;

    private static string Id(BenchPlan plan) => Of(plan).Id();
}
