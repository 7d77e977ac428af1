// sqlConnectionRetryInterval: whether what has failed is tried again, as System.Web decides it.

using System;
using System.Data.SqlClient;
using System.Diagnostics;
using System.Threading;

public sealed class Retry
{
    const int CannotOpenDatabase = 4060, TimedOut = -2, ConnectionIsLost = 20;

    readonly TimeSpan interval;
    readonly Stopwatch since = Stopwatch.StartNew();
    bool tried;

    public Retry(TimeSpan interval)
    {
        this.interval = interval;
    }

    // Waits first, if it is: 5 s after the first failure, 1 s after the others.
    public bool Again(SqlException error, SqlConnection connection)
    {
        // System.Web asks for the seconds between two minutes: with 60 or 120 nothing is tried again
        if (error == null || interval.Seconds == 0 || since.Elapsed > interval)
            return false;
        if (error.Class < ConnectionIsLost && error.Number != CannotOpenDatabase && error.Number != TimedOut)
            return false;
        if (!tried)
            SqlConnection.ClearPool(connection);
        connection.Close();
        Thread.Sleep(TimeSpan.FromSeconds(tried ? 1 : 5));
        tried = true;
        return true;
    }
}
