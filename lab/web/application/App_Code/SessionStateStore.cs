// Session state by the stored procedures of ASPState, called as docs/contract.md says. It is not Microsoft's client.

using System;
using System.Collections.Specialized;
using System.Data;
using System.Web;
using System.Web.SessionState;

public sealed class SessionStateStore : SessionStateStoreProviderBase
{
    const int ShortLimit = 7000;

    SessionDatabase database;
    Payload payload;
    int originalLength; // of the item that this request has read: a store serves one request at a time

    public override void Initialize(string name, NameValueCollection settings)
    {
        base.Initialize(name, settings);
        var section = SqlServerMode.Section();
        database = new SessionDatabase(section);
        payload = new Payload(section.CompressionEnabled);
    }

    public override void InitializeRequest(HttpContext context)
    {
        originalLength = 0;
    }

    public override SessionStateStoreData CreateNewStoreData(HttpContext context, int timeout)
    {
        return Payload.Empty(context, timeout);
    }

    public override void CreateUninitializedItem(HttpContext context, string id, int timeout)
    {
        byte[] item = payload.Write(Payload.Empty(context, timeout));
        using (var call = database.Call("TempInsertUninitializedItem", id))
        {
            call.Add("@itemShort", SqlDbType.VarBinary, item.Length, item);
            call.Add("@timeout", SqlDbType.Int, 0, timeout);
            call.Insert();
        }
    }

    public override SessionStateStoreData GetItem(HttpContext context, string id, out bool locked,
        out TimeSpan lockAge, out object lockId, out SessionStateActions actions)
    {
        return Get("TempGetStateItem3", context, id, out locked, out lockAge, out lockId, out actions);
    }

    public override SessionStateStoreData GetItemExclusive(HttpContext context, string id, out bool locked,
        out TimeSpan lockAge, out object lockId, out SessionStateActions actions)
    {
        return Get("TempGetStateItemExclusive3", context, id, out locked, out lockAge, out lockId, out actions);
    }

    public override void ReleaseItemExclusive(HttpContext context, string id, object lockId)
    {
        using (var call = database.Call("TempReleaseStateItemExclusive", id))
        {
            call.Add("@lockCookie", SqlDbType.Int, 0, lockId ?? 0);
            call.Run();
        }
    }

    public override void SetAndReleaseItemExclusive(HttpContext context, string id, SessionStateStoreData data,
        object lockId, bool newItem)
    {
        byte[] item;
        try
        {
            item = payload.Write(data);
        }
        catch
        {
            if (!newItem)
                ReleaseItemExclusive(context, id, lockId);
            throw;
        }

        string kind = item.Length > ShortLimit ? "Long" : "Short";
        using (var call = database.Call(newItem ? "TempInsertStateItem" + kind : Update(kind), id))
        {
            if (kind == "Short")
                call.Add("@itemShort", SqlDbType.VarBinary, item.Length, item);
            else
                call.Add("@itemLong", SqlDbType.Image, item.Length, item);
            call.Add("@timeout", SqlDbType.Int, 0, data.Timeout);
            if (newItem)
            {
                call.Insert();
                return;
            }
            call.Add("@lockCookie", SqlDbType.Int, 0, lockId ?? 0);
            call.Run();
        }
    }

    public override void RemoveItem(HttpContext context, string id, object lockId, SessionStateStoreData data)
    {
        using (var call = database.Call("TempRemoveStateItem", id))
        {
            call.Add("@lockCookie", SqlDbType.Int, 0, lockId ?? 0);
            call.Run();
        }
    }

    public override void ResetItemTimeout(HttpContext context, string id)
    {
        using (var call = database.Call("TempResetTimeout", id))
            call.Run();
    }

    public override bool SetItemExpireCallback(SessionStateItemExpireCallback callback)
    {
        return false; // Session_End never comes
    }

    public override void EndRequest(HttpContext context)
    {
    }

    public override void Dispose()
    {
    }

    // The column that an item leaves when it crosses the limit is set to NULL.
    string Update(string kind)
    {
        string leaves = kind == "Short" ? "NullLong" : "NullShort";
        bool crosses = originalLength > ShortLimit != (kind == "Long");
        return "TempUpdateStateItem" + kind + (crosses ? leaves : "");
    }

    SessionStateStoreData Get(string procedure, HttpContext context, string id, out bool locked,
        out TimeSpan lockAge, out object lockId, out SessionStateActions actions)
    {
        locked = false;
        lockAge = TimeSpan.Zero;
        lockId = null;
        actions = SessionStateActions.None;
        using (var call = database.Call(procedure, id))
        {
            // Mono asks for the session of a request without a cookie too, System.Web does not. The connection is
            // open by now: so a page that leaves no session tells whether sessions could be kept.
            if (id == null)
                return null;

            call.AddOutput("@itemShort", SqlDbType.VarBinary, ShortLimit);
            call.AddOutput("@locked", SqlDbType.Bit, 0);
            call.AddOutput("@lockAge", SqlDbType.Int, 0);
            call.AddOutput("@lockCookie", SqlDbType.Int, 0);
            call.AddOutput("@actionFlags", SqlDbType.Int, 0);
            byte[] row = call.Read();
            if (call["@locked"] == DBNull.Value)
                return null;

            locked = (bool)call["@locked"];
            lockId = (int)call["@lockCookie"];
            if (locked)
            {
                lockAge = TimeSpan.FromSeconds((int)call["@lockAge"]);
                if (lockAge > TimeSpan.FromDays(365))
                    lockAge = TimeSpan.Zero; // the clock was changed
                return null;
            }
            actions = (SessionStateActions)(int)call["@actionFlags"];
            byte[] item = row ?? (byte[])call["@itemShort"];
            originalLength = item.Length;
            return payload.Read(context, item);
        }
    }
}
