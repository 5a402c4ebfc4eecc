"""Measurements of the product on generated data, each beside what it is compared to: `python -m bench`."""
