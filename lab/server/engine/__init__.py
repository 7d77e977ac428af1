"""Databases, transactions and the execution of syntax trees."""
