"""Local PSA servers to plan and apply against: real HTTP, real state, no account anywhere.

Commands and tests alone start them. They share no code with the clients they are there to test, so that
a misreading on one side is not repeated on the other.
"""
