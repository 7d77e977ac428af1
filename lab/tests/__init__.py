"""Tests of the lab server."""
