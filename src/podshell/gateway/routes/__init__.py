"""The HTTP routes by subject. They read, ask a service, and answer; rules and state are elsewhere."""
