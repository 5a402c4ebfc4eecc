"""A plan, findings or a run as text and Markdown. Only reads; computes nothing that is not in what it is given."""
