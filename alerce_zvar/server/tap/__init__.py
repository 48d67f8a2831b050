"""TAP: the archive's tables asked in ADQL (reference/alerce.md 9).

::

    text ─ words ─► tree ─ select, sources, expressions, functions, geometry ─► SQL ─ answer ─► columns ─► VOTable, CSV
                              ▲ tables that are known: relations, TAP_SCHEMA, uploads

No word of a query reaches the database: a tree is made of it, and SQL is made of what is known in that tree.
"""

from alerce_zvar.server.tap.routes import add_routes

__all__ = ["add_routes"]
