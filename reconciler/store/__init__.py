"""The journal: what was intended, sent, answered and concluded, on disk before it happens and after."""
