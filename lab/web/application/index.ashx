<%@ WebHandler Language="C#" Class="Index" %>
// GET /: "ok" if the session store answers. It reads a session and leaves none.

using System.Web;
using System.Web.SessionState;

public class Index : IHttpHandler, IReadOnlySessionState
{
    public bool IsReusable
    {
        get { return true; }
    }

    public void ProcessRequest(HttpContext context)
    {
        context.Response.ContentType = "text/plain";
        context.Response.Write("ok");
    }
}
