using System.Globalization;
using System.Security.Cryptography;
using Holdfast.Storage.Metadata;

namespace Holdfast.Storage.Sqlite;

/// <summary>
/// A number in the database's first page (<c>user_version</c>) that every commit counts up. So that page is in every commit's part of the
/// write-ahead log, and a log that belongs to another state of the file shows it (<see cref="LogMatch"/>).
/// </summary>
internal static class CommitVersion
{
    public static int Read(MetadataSession session) => (int)session.Prepare("PRAGMA user_version").QueryLong()!.Value;

    /// <summary>After the last possible number comes 0.</summary>
    public static int Next(int version) => unchecked(version + 1) & int.MaxValue;

    /// <summary>Where a new file begins: elsewhere than any other file did.</summary>
    public static int First() => RandomNumberGenerator.GetInt32(1, int.MaxValue);

    /// <summary>To be called in every transaction that changes something.</summary>
    public static void CountUp(MetadataSession session) => Write(session, Next(Read(session)));

    // A pragma takes no parameters.
    public static void Write(MetadataSession session, int version) =>
        session.Execute("PRAGMA user_version = " + version.ToString(CultureInfo.InvariantCulture));
}
