<%@ WebHandler Language="C#" Class="Large" %>
// GET /large: the bytes of a large item in the session, made with 20 kB where there is none; ?bytes=N makes it anew.

using System.Web;
using System.Web.SessionState;

public class Large : IHttpHandler, IRequiresSessionState
{
    const int Bytes = 20000;

    public bool IsReusable
    {
        get { return true; }
    }

    public void ProcessRequest(HttpContext context)
    {
        string wanted = context.Request.QueryString["bytes"];
        var item = wanted == null ? (byte[])context.Session["large"] : null;
        if (item == null)
            context.Session["large"] = item = new byte[wanted == null ? Bytes : int.Parse(wanted)];
        context.Response.ContentType = "text/plain";
        context.Response.Write(item.Length);
    }
}
