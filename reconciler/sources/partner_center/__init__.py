"""Microsoft Partner Center's new-commerce (NCE) invoice reconciliation, as CSV, v1 JSON and Graph JSON Lines."""
