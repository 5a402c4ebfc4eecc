"""ConnectWise PSA (Manage) as a target: its REST API, read from public descriptions of it.

`client` reaches it, `conditions` asks, `records` and `bodies` translate, `errors` says what its refusals mean,
`lookup` finds the mapped agreements among what it holds, `target` is what the rest of the program sees.
"""
