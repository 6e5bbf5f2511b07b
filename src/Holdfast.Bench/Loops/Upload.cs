namespace Holdfast.Bench.Loops;

/// <summary>How a layer travels: POST, PATCH, PUT (docker, podman) or POST, PUT (containerd).</summary>
internal enum Upload
{
    Patch,
    Put,
}
