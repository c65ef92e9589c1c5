"""The preset `auto`: from facts of the training data to a configuration, by rules."""
