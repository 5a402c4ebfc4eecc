"""Messages to people: what is worth telling of a run, composed by templates, put into the outbox, and delivered."""
