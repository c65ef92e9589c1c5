"""Features on disk: stores of every format, and when their clips happen."""
