"""The PSAs that can be written to, one folder each; `base` is what each of them must be able to do."""
