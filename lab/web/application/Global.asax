<%@ Application Language="C#" %>
<script runat="server">
    void Application_Start(object sender, EventArgs e)
    {
        SqlServerMode.Take();
    }

    // /count is count.ashx, whatever the web.config
    void Application_BeginRequest(object sender, EventArgs e)
    {
        string path = Request.AppRelativeCurrentExecutionFilePath;
        if (path == "~/")
            Context.RewritePath("~/index.ashx", "", Request.QueryString.ToString());
        else if (path == "~/count" || path == "~/large" || path == "~/abandon")
            Context.RewritePath(path + ".ashx", "", Request.QueryString.ToString());
    }
</script>
