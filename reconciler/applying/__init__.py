"""Writes a plan to the PSA, each record once: order, journal, look, send, settle, audit, resume."""
