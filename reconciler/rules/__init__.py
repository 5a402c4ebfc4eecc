"""The decisions, as pure functions from domain values to domain values."""
