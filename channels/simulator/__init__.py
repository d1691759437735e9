"""A phone on the screen, for people without a Twilio account: real signed webhooks in, a pretend provider out."""
