"""A ConnectWise PSA of one's own: its REST API as far as agreement billing needs it, and its invoices.

Not official and not made by ConnectWise. Built from public descriptions of the API; what they leave open is a
switch (`reconciler.sandbox.switches`) or is marked as inferred where it is decided.
"""
