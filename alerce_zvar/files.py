"""Writing files."""

import os

__all__ = ["write_file"]


def write_file(path, content):
    """Write bytes so that the file is whole or not there, whenever the program dies."""
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with open(part, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)
