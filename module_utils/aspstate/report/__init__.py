"""From the results of the hosts to files on disk: the report of the daily check. On the controller only.

It knows neither Ansible nor a server. What it is given and what it makes is in docs/report.md; report.json's schema is
report.schema.json.
"""
