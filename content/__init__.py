"""The words of the helpline as data, and what checks them (schema.py for shape, lint.py for wording)."""
