"""The addresses at which Twilio calls us, and the mark of a number that is on WhatsApp."""

INBOUND_PATH = "/channels/sms/twilio"
FALLBACK_PATH = f"{INBOUND_PATH}/fallback"
STATUS_PATH = f"{INBOUND_PATH}/status"
WHATSAPP = "whatsapp:"
