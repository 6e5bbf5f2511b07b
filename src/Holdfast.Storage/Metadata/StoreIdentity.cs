using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Holdfast.Storage.Metadata;

/// <summary>Tells one store from another, so that nothing that was made for one is used on the other.</summary>
public static class StoreIdentity
{
    /// <returns>The journal's, or without one what the first repository was and when it came; "empty" in an empty store.</returns>
    public static string Find(MetadataSession session)
    {
        using (var rows = session.Prepare("SELECT store FROM journal_position WHERE id = 1").Query())
        {
            if (rows.Read())
                return Convert.ToHexStringLower(rows.Bytes(0));
        }
        const string First = "SELECT r.name, r.created_at FROM repositories r ORDER BY r.id LIMIT 1";
        using var first = session.Prepare(First).Query();
        if (!first.Read())
            return "empty";
        var text = string.Create(CultureInfo.InvariantCulture, $"{first.Text(0)} {first.Long(1)}");
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)).AsSpan(0, 8));
    }
}
