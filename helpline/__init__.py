"""The core of the helpline: no web framework, no assistant, no telephone company."""
