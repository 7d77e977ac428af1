"""Web hosts for tests of playbooks: on this machine, each with a web service of its own, and what can go wrong."""
