"""A made-up world with actions, for tests and first steps."""
