using System.Data;
using System.Data.Common;

namespace Holdfast.Storage.Metadata;

/// <summary>A prepared statement whose parameters are set by name. Belongs to one session; not safe for concurrent use.</summary>
public sealed class Statement : IDisposable
{
    private readonly DbCommand _command;

    public Statement(DbConnection connection, string sql)
    {
        _command = connection.CreateCommand();
        _command.CommandText = sql;
    }

    public void Dispose() => _command.Dispose();
}
