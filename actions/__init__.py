"""Rasa's hands: read what was understood, call one service, speak. One file for each intent, found by itself."""
