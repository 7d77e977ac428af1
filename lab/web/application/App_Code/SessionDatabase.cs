// The database that <sessionState> names: which it is, what is asked once, and what a page shows when it fails.

using System;
using System.Configuration;
using System.Data;
using System.Data.SqlClient;
using System.Web;
using System.Web.Configuration;

public sealed class SessionDatabase
{
    const string Unable = "Unable to connect to SQL Server session database.";
    const string NotInstalled =
        "Unable to use SQL Server because either ASP.NET version 2.0 Session State is not installed on the SQL server, "
        + "or ASP.NET does not have permission to run the dbo.TempGetVersion stored procedure.";
    const string Named =
        "The sqlConnectionString attribute or the connection string it refers to cannot contain the connection options "
        + "'Database', 'Initial Catalog' or 'AttachDbFileName'. In order to allow this, the allowCustomSqlDatabase "
        + "attribute must be set to true.";

    const int FirstVersionWithLockAge = 8;
    const int FirstCallsTimeout = 30;

    static readonly object FirstCalls = new object();
    static string suffix; // the application's id as the end of a session's key, asked once

    readonly string connectionString;
    readonly int timeout;

    public SessionDatabase(SessionStateSection section)
    {
        RefuseUnknown(section);
        connectionString = Complete(section);
        timeout = (int)section.SqlCommandTimeout.TotalSeconds;
    }

    // A call of dbo.<procedure> for a session, on a connection of its own (SqlClient pools them).
    public SessionCall Call(string procedure, string sessionId)
    {
        var connection = new SqlConnection(connectionString);
        try
        {
            Open(connection);
            lock (FirstCalls)
            {
                if (suffix == null)
                    suffix = AskOnce(connection);
            }
            return new SessionCall(Procedure(connection, procedure, timeout), sessionId + suffix);
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    public static HttpException Failed(Exception error)
    {
        return new HttpException(Unable, error);
    }

    // Better an error than a setting without effect.
    static void RefuseUnknown(SessionStateSection section)
    {
        if (section.PartitionResolverType.Length > 0)
            throw new ConfigurationErrorsException("The lab's web nodes know no partitionResolverType.");
        if (section.SqlConnectionString.StartsWith("registry:", StringComparison.OrdinalIgnoreCase))
            throw new ConfigurationErrorsException("The lab's web nodes have no registry for sqlConnectionString.");
    }

    static string Complete(SessionStateSection section)
    {
        var entry = WebConfigurationManager.ConnectionStrings[section.SqlConnectionString];
        string given = entry == null ? section.SqlConnectionString : entry.ConnectionString;
        var parts = new SqlConnectionStringBuilder(given);
        bool named = parts.InitialCatalog.Length > 0;
        if ((named || parts.AttachDBFilename.Length > 0) && !section.AllowCustomSqlDatabase)
            throw new ConfigurationErrorsException(Named);
        return named ? given : given + ";Initial Catalog=ASPState";
    }

    static void Open(SqlConnection connection)
    {
        try
        {
            connection.Open();
            if (IsAlive(connection))
                return;
            SqlConnection.ClearPool(connection);
            connection.Close();
            connection.Open();
        }
        catch (SqlException error)
        {
            throw Failed(IsLogin(error) ? LoginFailed(connection, error) : error);
        }
    }

    // .NET asks the socket of a pooled connection whether the server is still there. Mono's SqlClient does not.
    static bool IsAlive(SqlConnection connection)
    {
        try
        {
            using (var command = new SqlCommand("SELECT 1", connection))
                command.ExecuteNonQuery();
            return true;
        }
        catch (Exception error) when (error is SqlException || error is InvalidOperationException)
        {
            return false;
        }
    }

    static bool IsLogin(SqlException error)
    {
        return error.Number == 18456 || error.Number == 18452 || error.Number == 18450;
    }

    static Exception LoginFailed(SqlConnection connection, SqlException error)
    {
        string user = new SqlConnectionStringBuilder(connection.ConnectionString).UserID;
        return new HttpException("Failed to login to session state SQL server for user '" + user + "'.", error);
    }

    string AskOnce(SqlConnection connection)
    {
        try
        {
            DemandInstalled(connection);
            DemandVersion(connection);
        }
        catch (SqlException error)
        {
            throw Failed(error);
        }
        return ApplicationId(connection).ToString("x8");
    }

    // Only whether TempGetVersion can be seen counts; nobody calls it.
    static void DemandInstalled(SqlConnection connection)
    {
        using (var command = connection.CreateCommand())
        {
            command.CommandText = "Select name from sysobjects where type = 'P' and name = 'TempGetVersion'";
            command.CommandTimeout = FirstCallsTimeout;
            if (command.ExecuteScalar() == null)
                throw new HttpException(NotInstalled);
        }
    }

    static void DemandVersion(SqlConnection connection)
    {
        using (var command = Procedure(connection, "GetMajorVersion", FirstCallsTimeout))
        {
            var version = command.Parameters.Add("@@ver", SqlDbType.Int);
            version.Direction = ParameterDirection.Output;
            command.ExecuteNonQuery();
            if (version.Value == DBNull.Value || (int)version.Value < FirstVersionWithLockAge)
                throw new HttpException(Unable);
        }
    }

    int ApplicationId(SqlConnection connection)
    {
        using (var command = Procedure(connection, "TempGetAppID", timeout))
        {
            command.Parameters.Add("@appName", SqlDbType.VarChar, 280).Value = ApplicationName();
            var id = command.Parameters.Add("@appId", SqlDbType.Int);
            id.Direction = ParameterDirection.Output;
            command.ExecuteNonQuery();
            return (int)id.Value;
        }
    }

    // On IIS the name is HttpRuntime.AppDomainAppId, /LM/W3SVC/<site>/ROOT<path>, and web servers share sessions if
    // site and path are the same on each. Mono's AppDomainAppId is a hash of the application's folder, another on each
    // node. A node of the lab is a server with one site, which IIS would have numbered 1.
    static string ApplicationName()
    {
        return "/LM/W3SVC/1/ROOT" + HttpRuntime.AppDomainAppVirtualPath.TrimEnd('/');
    }

    static SqlCommand Procedure(SqlConnection connection, string name, int timeout)
    {
        var command = connection.CreateCommand();
        command.CommandType = CommandType.StoredProcedure;
        command.CommandText = "dbo." + name;
        command.CommandTimeout = timeout;
        return command;
    }
}
