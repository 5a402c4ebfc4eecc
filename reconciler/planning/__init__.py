"""Gathers what the documents and the PSA say, calls the rules, and assembles the plan."""
