"""What the twin remembers: the records, and the one door to the file that keeps them."""
