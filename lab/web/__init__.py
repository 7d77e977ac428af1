"""Web servers of the lab: an ASP.NET application on Mono, behind nginx, on loopback."""
