using System.Globalization;

namespace Holdfast.Bench;

/// <summary>Numbers as reports print them.</summary>
internal static class Quantities
{
    private static readonly (string Unit, long Bytes)[] Binary = [("GiB", 1L << 30), ("MiB", 1L << 20), ("KiB", 1L << 10)];
    private static readonly (string Unit, long Bytes)[] Decimal = [("GB", 1_000_000_000), ("MB", 1_000_000), ("kB", 1_000)];

    /// <summary>As it was asked for: 1 KiB, 10 MB; whole numbers only, else bytes.</summary>
    public static string Size(long bytes)
    {
        foreach (var (unit, factor) in Binary.Concat(Decimal))
        {
            if (bytes >= factor && bytes % factor == 0)
                return string.Create(CultureInfo.InvariantCulture, $"{bytes / factor} {unit}");
        }
        return string.Create(CultureInfo.InvariantCulture, $"{bytes} B");
    }

    /// <summary>Three digits that count, as far as there are so many.</summary>
    public static string Number(double value) => value.ToString(Math.Abs(value) switch { >= 1000 => "#,0", >= 100 => "0", >= 10 => "0.0", >= 1 => "0.00", _ => "0.000" }, CultureInfo.InvariantCulture);

    public static string Count(long count) => count.ToString("#,0", CultureInfo.InvariantCulture);

    /// <summary>1.23 GB.</summary>
    public static string Bytes(double bytes)
    {
        foreach (var (unit, factor) in Decimal)
        {
            if (bytes >= factor)
                return $"{Number(bytes / factor)} {unit}";
        }
        return string.Create(CultureInfo.InvariantCulture, $"{bytes:0} B");
    }
}
