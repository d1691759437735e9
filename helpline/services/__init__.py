"""One function for each use case, one transaction each. No web, no Rasa, no provider."""
