using System.Globalization;

namespace Holdfast.Oci;

/// <summary>Numbers of things in sentences: "1 manifest", "2,000 tags".</summary>
public static class Counted
{
    /// <param name="many">Of more than one, where that is not just an s.</param>
    public static string Of(long count, string one, string? many = null) =>
        string.Create(CultureInfo.InvariantCulture, $"{count:N0} {(count == 1 ? one : many ?? one + "s")}");
}
