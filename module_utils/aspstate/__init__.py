"""The core: what ASP.NET's session state in SQL Server looks like, and how to read, plan and change it.

Only `server` imports pymssql and only `ansible_module` imports Ansible; everything else is tested without either.
"""
