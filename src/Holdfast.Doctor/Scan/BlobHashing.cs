using System.Buffers;
using Holdfast.Doctor.Registry2;
using Holdfast.Storage.Blobs;

namespace Holdfast.Doctor.Scan;

/// <summary>Reads every blob of a registry and compares its bytes with its digest; several at a time, so that the disk is never waited for by one core alone.</summary>
internal sealed class BlobHashing(RegistryFolder folder, int parallelism)
{
    private const int BufferBytes = 1024 * 1024;

    private long _done;

    /// <param name="progress">Gets the bytes that were read and how many there are.</param>
    public async Task RunAsync(BlobTable table, Action<long, long> progress, CancellationToken token)
    {
        var rows = table.Rows.Where(static row => row.State == ContentState.Whole).ToList();
        var total = rows.Sum(static row => row.SizeBytes);
        await Parallel.ForEachAsync(rows, new ParallelOptions { MaxDegreeOfParallelism = parallelism, CancellationToken = token }, (row, stop) =>
        {
            Check(row, () => progress(Interlocked.Read(ref _done), total), stop);
            return ValueTask.CompletedTask;
        });
    }

    private void Check(BlobRow row, Action progress, CancellationToken token)
    {
        // Twice before it is said to be wrong: a registry that runs may be replacing the file just now.
        for (var attempt = 0; attempt < 2; attempt++)
        {
            try
            {
                if (Read(row, progress, token) is not { } problem)
                    return;
                (row.State, row.Problem) = (ContentState.WrongHash, problem);
                if (folder.LookAt(row.Digest).State is BlobFileState.Absent or BlobFileState.NoData)
                {
                    row.State = ContentState.Absent;
                    return;
                }
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                (row.State, row.Problem) = (ContentState.Unreadable, e.Message);
                return;
            }
        }
    }

    /// <returns>Null if the bytes are right.</returns>
    private string? Read(BlobRow row, Action progress, CancellationToken token)
    {
        using var file = folder.TryOpen(row.Digest);
        if (file is null)
            return "it went away while it was read";
        using var hash = new RunningHash(row.Digest.Algorithm);
        var buffer = ArrayPool<byte>.Shared.Rent((int)Math.Clamp(row.SizeBytes, 4096, BufferBytes));
        try
        {
            var offset = 0L;
            for (int read; (read = RandomAccess.Read(file, buffer, offset)) > 0; offset += read)
            {
                token.ThrowIfCancellationRequested();
                hash.Append(buffer.AsSpan(0, read));
                Interlocked.Add(ref _done, read);
                progress();
            }
            var found = hash.Current();
            if (found == row.Digest)
            {
                row.State = ContentState.Whole;
                row.Problem = null;
                return null;
            }
            return $"its {offset} bytes are those of {found}";
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }
}
