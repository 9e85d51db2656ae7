"""Answers as providers give them, one module per provider; each shape names where it was read."""
