using System.Globalization;

namespace Holdfast.Large;

/// <summary>What a filled store holds. Manifest n of a plan is the same in every run, so that a run that was cut off is gone on with.</summary>
/// <param name="Manifests">Images and, one in ten, indexes over the two images before them in their repository.</param>
/// <param name="Blobs">Rows of blobs, those of the manifests' own bytes included.</param>
/// <param name="Repositories">The manifests go round them: as in life, neighbours in time lie in different ones.</param>
internal sealed record FillPlan(int Manifests, int Blobs, int Repositories)
{
    /// <summary>One manifest in so many of a repository is an index.</summary>
    public const int IndexEvery = 10;

    public static readonly FillPlan Default = new(1_000_000, 3_000_000, 2_000);

    /// <summary>Configs, and the layers that one image alone has.</summary>
    public int OwnBlobs => Blobs - Manifests - Repositories;

    public int Images => ImagesBefore(Manifests);

    public bool IsIndex(int manifest) => manifest / Repositories % IndexEvery == IndexEvery - 1;

    /// <summary>How many images come before a manifest.</summary>
    public int ImagesBefore(int manifest)
    {
        var round = Repositories * IndexEvery;
        var images = round - Repositories;
        return (manifest / round * images) + Math.Min(manifest % round, images);
    }

    /// <summary>The first own blob of an image; the one after its last is the next image's first.</summary>
    public int FirstBlob(int image) => (int)((long)image * OwnBlobs / Images);

    /// <exception cref="UsageException">There is no such store.</exception>
    public static FillPlan Read(ReadOnlySpan<string> arguments)
    {
        var plan = Default;
        for (var i = 0; i < arguments.Length; i += 2)
        {
            var count = i + 1 < arguments.Length && int.TryParse(arguments[i + 1], NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number > 0
                ? number
                : throw new UsageException($"{arguments[i]} needs a number above 0");
            plan = arguments[i] switch
            {
                "--manifests" => plan with { Manifests = count },
                "--blobs" => plan with { Blobs = count },
                "--repositories" => plan with { Repositories = count },
                var other => throw new UsageException($"unknown option {other}"),
            };
        }
        if (plan.Repositories > plan.Manifests)
            throw new UsageException($"{plan.Manifests} manifests can't fill {plan.Repositories} repositories; take fewer repositories");
        if (plan.OwnBlobs < plan.Images)
            throw new UsageException($"each image needs a config of its own: take --blobs {plan.Manifests + plan.Repositories + plan.Images} or more");
        return plan;
    }

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Manifests} manifests, {Blobs} blobs, {Repositories} repositories");
}
