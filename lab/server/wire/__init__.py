"""TDS: bytes to requests, results to bytes."""
