"""The ways of reaching us. One folder for each channel; registry.py lists them."""
