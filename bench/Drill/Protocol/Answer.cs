namespace Holdfast.Drill.Protocol;

/// <summary>What came back for one request.</summary>
/// <param name="Status">0: no answer, or not all of it; whether the request took effect is unknown.</param>
/// <param name="Body">All of it, or empty for requests whose body doesn't matter.</param>
internal readonly record struct Answer(int Status, byte[] Body, string? Location = null)
{
    public static Answer None { get; } = new(0, []);

    public bool IsKnown => Status != 0;

    public bool Succeeded => Status is >= 200 and < 300;

    public string Text => System.Text.Encoding.UTF8.GetString(Body);

    public override string ToString() => IsKnown ? $"{Status} {(Succeeded ? "" : Text)}".TrimEnd() : "no answer";
}
