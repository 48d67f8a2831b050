"""ALeRCE's catsHTM service: what it offers (`schema`), how its answers are read (`decode`) and asked for (`core`)."""
