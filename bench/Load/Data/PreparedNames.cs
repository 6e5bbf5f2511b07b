namespace Holdfast.Load.Data;

/// <summary>The names that `prepare` gives, so that `run` knows them without asking; they sort as they count.</summary>
internal static class PreparedNames
{
    public const string TagPrefix = "t";

    public const string RepositoryPrefix = "bench/c";

    public static string Entry(string prefix, int number) => $"{prefix}{number:D7}";
}
