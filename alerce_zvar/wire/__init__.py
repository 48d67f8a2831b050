"""How words become bytes and bytes become columns; this room knows no service."""
