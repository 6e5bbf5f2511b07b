using System.Buffers;
using System.Buffers.Binary;
using System.Numerics;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Holdfast.Storage.Journal;

/// <summary>
/// Lines on their way into the journal, one after the other in one piece of memory: <c>crc32c json newline</c>. It is kept and filled again, so
/// that a change costs no allocation.
/// </summary>
internal sealed class JournalBuffer : IBufferWriter<byte>, IDisposable
{
    private const int CrcDigits = 8;

    // What a burst needed is given back beyond this.
    private const int MaxKept = 1024 * 1024;

    private readonly Utf8JsonWriter _json;
    private byte[] _bytes = new byte[16 * 1024];
    private int _lineStart;

    public JournalBuffer() => _json = new Utf8JsonWriter(this, new JsonWriterOptions { SkipValidation = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping });

    public int Length { get; private set; }

    public ReadOnlySpan<byte> Bytes => _bytes.AsSpan(0, Length);

    /// <summary>Begins a line; write one object.</summary>
    public Utf8JsonWriter BeginLine()
    {
        _lineStart = Length;
        GetSpan(CrcDigits + 1)[..(CrcDigits + 1)].Fill((byte)' ');
        Length += CrcDigits + 1;
        _json.Reset(this);
        return _json;
    }

    public void EndLine()
    {
        _json.Flush();
        var line = _bytes.AsSpan(_lineStart, Length - _lineStart);
        WriteHex(Crc(line[(CrcDigits + 1)..]), line);
        GetSpan(1)[0] = (byte)'\n';
        Length++;
    }

    public void Clear()
    {
        Length = 0;
        if (_bytes.Length > MaxKept)
            _bytes = new byte[MaxKept];
    }

    /// <summary>The object in a line without its newline, if the line is whole.</summary>
    public static bool TryOpen(ReadOnlyMemory<byte> line, out ReadOnlyMemory<byte> json)
    {
        json = default;
        var span = line.Span;
        if (span.Length <= CrcDigits + 1 || span[CrcDigits] != ' ')
            return false;
        Span<byte> expected = stackalloc byte[CrcDigits];
        WriteHex(Crc(span[(CrcDigits + 1)..]), expected);
        if (!span[..CrcDigits].SequenceEqual(expected))
            return false;
        json = line[(CrcDigits + 1)..];
        return true;
    }

    public void Advance(int count) => Length += count;

    public Memory<byte> GetMemory(int sizeHint = 0)
    {
        Reserve(sizeHint);
        return _bytes.AsMemory(Length);
    }

    public Span<byte> GetSpan(int sizeHint = 0)
    {
        Reserve(sizeHint);
        return _bytes.AsSpan(Length);
    }

    public void Dispose() => _json.Dispose();

    private void Reserve(int sizeHint)
    {
        var needed = Length + Math.Max(sizeHint, 256);
        if (needed > _bytes.Length)
            Array.Resize(ref _bytes, Math.Max(needed, _bytes.Length * 2));
    }

    private static void WriteHex(uint crc, Span<byte> target)
    {
        Span<byte> bytes = stackalloc byte[4];
        BinaryPrimitives.WriteUInt32BigEndian(bytes, crc);
        Convert.TryToHexStringLower(bytes, target, out _);
    }

    // CRC-32C: the processor has it (SSE 4.2, ARMv8), and .NET has it without a package.
    private static uint Crc(ReadOnlySpan<byte> bytes)
    {
        var crc = uint.MaxValue;
        for (; bytes.Length >= sizeof(ulong); bytes = bytes[sizeof(ulong)..])
            crc = BitOperations.Crc32C(crc, BinaryPrimitives.ReadUInt64LittleEndian(bytes));
        foreach (var b in bytes)
            crc = BitOperations.Crc32C(crc, b);
        return ~crc;
    }
}
