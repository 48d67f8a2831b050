"""ALeRCE: what is known of the service, and the class that asks it."""
