"""What the programs of the paper's tables and figures share."""
