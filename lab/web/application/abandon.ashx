<%@ WebHandler Language="C#" Class="Abandon" %>
// GET /abandon: ends the session.

using System.Web;
using System.Web.SessionState;

public class Abandon : IHttpHandler, IRequiresSessionState
{
    public bool IsReusable
    {
        get { return true; }
    }

    public void ProcessRequest(HttpContext context)
    {
        context.Session.Abandon();
        context.Response.ContentType = "text/plain";
        context.Response.Write("abandoned");
    }
}
