<%@ WebHandler Language="C#" Class="Count" %>
// GET /count: how many times this session has asked.

using System.Web;
using System.Web.SessionState;

public class Count : IHttpHandler, IRequiresSessionState
{
    public bool IsReusable
    {
        get { return true; }
    }

    public void ProcessRequest(HttpContext context)
    {
        int count = (int)(context.Session["count"] ?? 0) + 1;
        context.Session["count"] = count;
        context.Response.ContentType = "text/plain";
        context.Response.Write(count);
    }
}
