"""Data sets made of what people have: tables, folders, public files."""
