"""YAML in, a reviewed plan out, the PSA changed exactly once."""

__version__ = "0.1.0"
