"""Tables joined by position: `crossmatch` of any two, and `match_services`, what the surveys know of places."""

from alerce_zvar.match.services import match_services
from alerce_zvar.match.tables import crossmatch

__all__ = ["crossmatch", "match_services"]
