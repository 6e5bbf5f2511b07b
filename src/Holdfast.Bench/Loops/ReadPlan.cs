using Holdfast.Bench.Http;

namespace Holdfast.Bench.Loops;

/// <summary>The operations of a reading workload, each a question or several in turn, made in advance so that sending one costs nothing but the sending.</summary>
internal sealed class ReadPlan
{
    private readonly Target _target;

    // Replaced as a whole when a token was renewed.
    private volatile byte[][][] _heads;

    public ReadPlan(Target target, IReadOnlyList<Question[]> operations)
    {
        _target = target;
        Operations = operations;
        _heads = Encode();
    }

    public IReadOnlyList<Question[]> Operations { get; }

    public bool Hashes => Operations.Any(static operation => operation.Any(static question => question.Digest is not null));

    public byte[] HeadOf(int operation, int step) => _heads[operation][step];

    public void Renew() => _heads = Encode();

    private byte[][][] Encode() => [.. Operations.Select(operation => operation.Select(_target.Head).ToArray())];
}
