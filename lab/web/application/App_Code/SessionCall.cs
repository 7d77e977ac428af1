// One call of a stored procedure for one session. Disposing of it gives its connection back.

using System;
using System.Data;
using System.Data.SqlClient;

public sealed class SessionCall : IDisposable
{
    const int LongestKey = 88;
    const int DuplicateKey = 2627;

    readonly SqlCommand command;

    public SessionCall(SqlCommand command, string key)
    {
        this.command = command;
        Add("@id", SqlDbType.NVarChar, LongestKey, key);
    }

    public object this[string output]
    {
        get { return command.Parameters[output].Value; }
    }

    public void Add(string name, SqlDbType type, int size, object value)
    {
        command.Parameters.Add(name, type, size).Value = value;
    }

    public void AddOutput(string name, SqlDbType type, int size)
    {
        var parameter = command.Parameters.Add(name, type, size);
        parameter.Direction = ParameterDirection.Output;
        parameter.Value = DBNull.Value;
    }

    public void Run()
    {
        Do(() => command.ExecuteNonQuery());
    }

    // Of two requests that make the same session, one is second, and that is no error.
    public void Insert()
    {
        Do(() =>
        {
            try
            {
                return command.ExecuteNonQuery();
            }
            catch (SqlException error) when (error.Number == DuplicateKey)
            {
                return 0;
            }
        });
    }

    // A long item is the row; without one there is none, and the item is in @itemShort.
    public byte[] Read()
    {
        return Do(() =>
        {
            using (var reader = command.ExecuteReader())
                return reader.Read() ? (byte[])reader[0] : null;
        });
    }

    public void Dispose()
    {
        var connection = command.Connection;
        command.Dispose();
        connection.Dispose();
    }

    static T Do<T>(Func<T> action)
    {
        try
        {
            return action();
        }
        catch (Exception error)
        {
            throw SessionDatabase.Failed(error);
        }
    }
}
