"""`report`: one page about one object, with everything that the services and the period search know of it."""

from alerce_zvar.reporting.page import report

__all__ = ["report"]
