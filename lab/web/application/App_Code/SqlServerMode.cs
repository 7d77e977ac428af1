// mode="SQLServer" in a web.config that stays as it is.
//
// Mono has a store of its own for that mode, with a table and statements that have nothing to do with ASPState. The
// application's start comes before the session module reads its section, and what is changed in the section then is
// changed in memory only.

using System.Configuration;
using System.Web.Configuration;
using System.Web.SessionState;

public static class SqlServerMode
{
    const string Provider = "aspstate";

    public static void Take()
    {
        var section = Section();
        if (section.Mode != SessionStateMode.SQLServer)
            return;
        section.Providers.Add(new ProviderSettings(Provider, typeof(SessionStateStore).AssemblyQualifiedName));
        section.CustomProvider = Provider;
        section.Mode = SessionStateMode.Custom;
    }

    public static SessionStateSection Section()
    {
        return (SessionStateSection)WebConfigurationManager.GetSection("system.web/sessionState");
    }
}
