using Holdfast.Oci;
using Microsoft.Extensions.Primitives;

namespace Holdfast.Server.Http;

/// <summary>
/// Reads <c>Accept</c> as clients mean it. Without one, or with one that names no manifest type, everything is served as stored. A client that
/// lists manifest types would misread any other, so it is told which type there is instead. Nothing is ever converted: digests hold.
/// </summary>
internal static class AcceptedTypes
{
    public static bool Allow(StringValues accept, string mediaType)
    {
        var namesManifestTypes = false;
        foreach (var header in accept)
        {
            if (header is null)
                continue;
            foreach (var part in header.AsSpan().Split(','))
            {
                var type = header.AsSpan()[part];
                var parameters = type.IndexOf(';');
                type = (parameters < 0 ? type : type[..parameters]).Trim();
                if (type is "*/*" or "application/*" || type.Equals(mediaType, StringComparison.OrdinalIgnoreCase))
                    return true;
                namesManifestTypes |= IsManifestType(type);
            }
        }
        return !namesManifestTypes;
    }

    private static bool IsManifestType(ReadOnlySpan<char> type) =>
        type is MediaTypes.OciManifest or MediaTypes.OciIndex or MediaTypes.DockerManifest or MediaTypes.DockerManifestList
            or MediaTypes.DockerSchema1 or MediaTypes.DockerSchema1Signed;
}
