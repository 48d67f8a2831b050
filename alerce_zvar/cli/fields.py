"""``fields``: what ZVAR has processed."""

from alerce_zvar.cli.options import add_command

__all__ = ["add"]


def add(commands):
    """Add the command."""
    command = add_command(commands, "fields", "fields of ZTF that ZVAR has processed", _fields)
    command.add_argument("--logs", action="store_true", help="each CCD, quadrant and band by itself")


def _fields(options):
    from alerce_zvar.cli.inputs import zvar_client
    from alerce_zvar.cli.output import answer

    def ask():
        client = zvar_client(options)
        query = client.query_processing_logs if options.logs else client.list_fields
        return query(timeout=options.timeout)

    return answer(options, ask)
