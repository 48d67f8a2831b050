"""ZVAR: what is known of the service, the class that asks it, and its photometry."""
