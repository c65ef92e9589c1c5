"""How a moment becomes a sequence with an action in it (section 3.3, Eq. 2)."""
