// Generated.
