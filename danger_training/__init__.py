"""How the reader of danger is made: examples to numbers (prepare.py), numbers to a model (train.py)."""
