namespace Holdfast.Load.Report;

/// <summary>Where a command adds its result for <c>report</c>, when it is asked to.</summary>
internal sealed record RecordTarget(string File, string Figure, string Server, int Round)
{
    public static RecordTarget? Read(Arguments arguments) =>
        arguments.Text("append") is not { } file ? null
        : new RecordTarget(file, arguments.Required("figure"), arguments.Required("server"), arguments.Count("round", 1));

    public void Append(IReadOnlyDictionary<string, double> metrics, long errors) =>
        System.IO.File.AppendAllText(File, Json.Write(new Record(Figure, Server, Round, errors, metrics)) + "\n");
}
