using System.Data;
using System.Data.Common;
using Holdfast.Oci;

namespace Holdfast.Storage.Metadata;

/// <summary>
/// A prepared statement whose parameters are set by name, the <c>@</c> included. Belongs to one session; not safe for concurrent use.
/// A parameter keeps its value until it is set again.
/// </summary>
public sealed class Statement : IDisposable
{
    private readonly DbCommand _command;
    private readonly List<DbParameter> _parameters = [];

    public Statement(DbConnection connection, string sql)
    {
        _command = connection.CreateCommand();
        _command.CommandText = sql;
    }

    public Statement Set(string name, long value)
    {
        Parameter(name, DbType.Int64).Value = value;
        return this;
    }

    public Statement Set(string name, string? value)
    {
        Parameter(name, DbType.String).Value = (object?)value ?? DBNull.Value;
        return this;
    }

    public Statement Set(string name, byte[]? value)
    {
        Parameter(name, DbType.Binary).Value = (object?)value ?? DBNull.Value;
        return this;
    }

    public Statement Set(string name, Digest digest) => Set(name, digest.ToBytes());

    /// <returns>Rows changed.</returns>
    public int Execute() => _command.ExecuteNonQuery();

    /// <summary>Runs the query; dispose the rows before the statement is used again.</summary>
    public StatementRows Query() => new(_command.ExecuteReader());

    /// <returns>The first column of the first row, or null if there is no row.</returns>
    public long? QueryLong()
    {
        using var rows = Query();
        return rows.Read() ? rows.Long(0) : null;
    }

    public void Dispose() => _command.Dispose();

    private DbParameter Parameter(string name, DbType type)
    {
        foreach (var parameter in _parameters)
        {
            if (string.Equals(parameter.ParameterName, name, StringComparison.Ordinal))
                return parameter;
        }
        var added = _command.CreateParameter();
        added.ParameterName = name;
        added.DbType = type;
        _command.Parameters.Add(added);
        _parameters.Add(added);
        return added;
    }
}

/// <summary>The rows of a query, read forward once.</summary>
public readonly struct StatementRows(DbDataReader reader) : IDisposable
{
    public bool Read() => reader.Read();

    public long Long(int column) => reader.GetInt64(column);

    public long? LongOrNull(int column) => reader.IsDBNull(column) ? null : reader.GetInt64(column);

    public string Text(int column) => reader.GetString(column);

    public string? TextOrNull(int column) => reader.IsDBNull(column) ? null : reader.GetString(column);

    public byte[] Bytes(int column) => reader.GetFieldValue<byte[]>(column);

    public byte[]? BytesOrNull(int column) => reader.IsDBNull(column) ? null : Bytes(column);

    public Digest Digest(int column) => Oci.Digest.FromBytes(Bytes(column));

    public void Dispose() => reader.Dispose();
}
