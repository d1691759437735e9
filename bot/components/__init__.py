"""The helpline's own parts of the Rasa pipeline. config.yml names them as `components.<module>.<Class>`."""
