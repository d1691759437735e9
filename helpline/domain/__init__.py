"""Pure functions and frozen dataclasses. Imports nothing of ours from outside this folder."""
