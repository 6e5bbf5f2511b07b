namespace Simulation.Disk;

/// <summary>A file's bytes: what readers see, and what a power cut would leave.</summary>
internal sealed class SimulatedFile(long id)
{
    public long Id => id;

    public byte[] Bytes { get; set; } = [];

    /// <summary>The bytes of the last sync.</summary>
    public byte[] Synced { get; set; } = [];

    public long Stamp { get; set; }

    public DateTimeOffset Changed { get; set; }

    /// <summary>False once no name leads to it.</summary>
    public bool HasName { get; set; } = true;
}

/// <summary>A name in a folder: the file that it leads to now, and the one after a power cut. Null: none.</summary>
internal sealed class SimulatedName
{
    public SimulatedFile? Now { get; set; }

    public SimulatedFile? Durable { get; set; }
}
