"""Values of the trade and their arithmetic. No I/O, no clock, no settings; imports nothing of ours."""
