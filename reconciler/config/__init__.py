"""mappings.yaml → `Mappings`: reads, checks and explains what a user declares; every value remembers its place."""
