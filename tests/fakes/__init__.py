"""Stand-ins for what the tests must not reach: a provider's server, the passing of time."""
