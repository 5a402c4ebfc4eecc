"""One small file per command: options in, one call, render, exit status. Nothing heavy is imported early."""
