using Holdfast.Client.Walk;
using Holdfast.Oci;

namespace Holdfast.Client.Tests.Walk;

/// <summary>Walks a hand-made registry as verify does, without its waits.</summary>
internal static class Walking
{
    public static RegistryClientOptions Options(Uri address) => new()
    {
        Registry = address,
        ResumeDelay = TimeSpan.FromMilliseconds(1),
        MaxEmptyTries = 2,
        Retries = 1,
        GoneAfter = 16,
    };

    public static Task<RepositoryReport> ReferenceAsync(Upstream upstream, string reference, WalkOptions? options = null) =>
        UseAsync(upstream, options, walk => walk.WalkAsync(Samples.Repository, Parse(reference), reference, CancellationToken.None));

    public static Task<RepositoryReport> TagsAsync(Upstream upstream, WalkOptions? options = null, params string[] tags) =>
        UseAsync(upstream, options, walk => walk.WalkTagsAsync(Samples.Repository, [.. tags.Select(Tag.Parse)], areAll: true, CancellationToken.None));

    public static Task<Upstream> StartAsync(this FakeContent content) => Upstream.StartAsync((context, _) => content.AnswerAsync(context));

    public static Finding OnlyFinding(this RepositoryReport report) => report.Roots.Single().Findings.Single();

    private static async Task<RepositoryReport> UseAsync(Upstream upstream, WalkOptions? options, Func<ClosureWalk, Task<RepositoryReport>> use)
    {
        using var client = new RegistryClient(Options(upstream.Address));
        using var walk = new ClosureWalk(client, options ?? new WalkOptions());
        return await use(walk);
    }

    private static Reference Parse(string text) => Reference.TryParse(text, out var reference) ? reference : throw new FormatException(text);
}
