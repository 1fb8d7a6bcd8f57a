"""The models that plan: one protocol, several backends."""
