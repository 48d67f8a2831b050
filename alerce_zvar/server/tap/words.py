"""ADQL read into a tree by sqlglot, which is told so few words that nothing else can be said."""

from sqlglot import exp, parser, tokens
from sqlglot.dialects.dialect import Dialect
from sqlglot.errors import ParseError, TokenError
from sqlglot.tokens import TokenType as Token

from alerce_zvar.alerce.schema.adql import RESERVED
from alerce_zvar.errors import MissingExtraError

__all__ = ["COMMA", "LONGEST_TEXT", "NotThereError", "QueryError", "is_same", "name_of", "parse"]

LONGEST = 2**20  # characters of a query
MOST_TOKENS = 100_000
LONGEST_TEXT = 2000  # characters of one text, so that a million rows of it can be held
DEEPEST = 60  # parentheses and the like inside each other
_WORDS = (
    "ALL", "AND", "ASC", "BETWEEN", "CASE", "CROSS", "DESC", "DISTINCT", "ELSE", "END", "ESCAPE", "EXCEPT", "EXISTS",
    "FALSE", "FROM", "FULL", "GROUP_BY", "HAVING", "ILIKE", "IN", "INNER", "INTERSECT", "IS", "JOIN", "LEFT", "LIKE",
    "NATURAL", "NOT", "NULL", "OFFSET", "ON", "OR", "ORDER_BY", "OUTER", "RIGHT", "SELECT", "THEN", "TOP", "TRUE",
    "UNION", "USING", "WHEN", "WHERE",
)  # fmt: skip
_TYPES = {
    "BIGINT": Token.BIGINT,
    "CHAR": Token.CHAR,
    "CHARACTER": Token.CHAR,
    "DOUBLE PRECISION": Token.DOUBLE,
    "INT": Token.INT,
    "INTEGER": Token.INT,
    "REAL": Token.FLOAT,
    "SMALLINT": Token.SMALLINT,
    "VARCHAR": Token.VARCHAR,
}
_KEYWORDS = {word.replace("_", " "): getattr(Token, word) for word in _WORDS} | {"AS": Token.ALIAS}
_SIGNS = {"||": Token.DPIPE, "<=": Token.LTE, ">=": Token.GTE, "<>": Token.NEQ, "!=": Token.NEQ}
# Words that people try, and what to do instead.
_INSTEAD = {
    "WITH": "ADQL here has no common table expressions (WITH); write a subquery in FROM",
    "LIMIT": "ADQL has no LIMIT; write SELECT TOP n",
}
_READ_ONLY = "only SELECT is answered; the tables cannot be changed"
_OPENING = {Token.L_PAREN, Token.L_BRACKET, Token.L_BRACE, Token.CASE}
_CLOSING = {Token.R_PAREN, Token.R_BRACKET, Token.R_BRACE, Token.END}
COMMA = "COMMA"  # kind of a join that is written as one
_PREFIXES = {Token.NOT, Token.DASH, Token.PLUS, Token.TILDE}


class QueryError(Exception):
    """A request that is not answered; the message says why, ``status`` is that of HTTP."""

    status = 400


class NotThereError(QueryError):
    """Something that does not exist is asked for."""

    status = 404


class _ADQL(Dialect):
    NULL_ORDERING = "nulls_are_large"  # as in PostgreSQL

    class Tokenizer(tokens.Tokenizer):
        KEYWORDS = _KEYWORDS | _TYPES | _SIGNS
        COMMENTS = ["--", ("/*", "*/")]  # noqa: RUF012 - sqlglot's way to say it

    class Parser(parser.Parser):
        FUNCTIONS = {}  # noqa: RUF012 - every function is known by its name alone; see functions.py
        NO_PAREN_FUNCTIONS = {}  # noqa: RUF012
        NO_PAREN_FUNCTION_PARSERS = {"CASE": parser.Parser.NO_PAREN_FUNCTION_PARSERS["CASE"]}  # noqa: RUF012
        FUNCTION_PARSERS = {"CAST": parser.Parser.FUNCTION_PARSERS["CAST"]}  # noqa: RUF012

        def _parse_join(self, *args, **options):
            """As it is, but a comma is told from a JOIN that lacks its condition."""
            is_comma = self._curr is not None and self._curr.token_type is Token.COMMA
            join = super()._parse_join(*args, **options)
            if join is not None and is_comma:
                join.set("kind", COMMA)
            return join


def parse(text):
    """Tree of one query.

    Parameters
    ----------
    text : str
        ADQL.

    Returns
    -------
    `sqlglot.exp.Expr`
        Not checked: what it may hold is decided where it is translated.

    Raises
    ------
    QueryError
        Not one query of ADQL, or one beyond all measure.
    """
    if len(text) > LONGEST:
        raise QueryError(f"the query is longer than {LONGEST} characters; upload long lists as a table")
    dialect = _ADQL()
    try:
        words = dialect.tokenize(text)
        _check(words)
        trees = _parser(dialect).parse(words, text)
    except (ParseError, TokenError) as exc:
        raise QueryError(f"syntax error: {_said(exc)}") from None
    except RecursionError:
        raise QueryError("the query is nested too deeply") from None
    if len(trees) != 1:
        raise QueryError("exactly one query is expected" if words else "the query is empty")
    return trees[0]


def _parser(dialect):
    try:
        return dialect.parser()
    except TypeError as exc:
        raise MissingExtraError(
            f"sqlglot cannot be taught ADQL ({exc}): its compiled form takes no languages of others. "
            "Remove it with: python -m pip uninstall sqlglotc",
            name="sqlglot",
        ) from exc


def _check(words):
    """Refuse reserved words that stand for a name, and depths that no parser should be sent into."""
    if len(words) > MOST_TOKENS:
        raise QueryError(f"the query has more than {MOST_TOKENS} words; upload long lists as a table")
    if words and words[0].token_type not in (Token.SELECT, Token.L_PAREN):
        raise QueryError(_INSTEAD.get(words[0].text.upper(), f"{words[0].text[:40]}: {_READ_ONLY}"))
    depth = prefixes = 0
    for word in words:
        depth += (word.token_type in _OPENING) - (word.token_type in _CLOSING)
        prefixes = prefixes + 1 if word.token_type in _PREFIXES else 0
        if max(depth, prefixes) > DEEPEST:
            raise QueryError("the query is nested too deeply")
    for place, word in enumerate(words):
        if word.token_type is Token.VAR:
            called = place + 1 < len(words) and words[place + 1].token_type is Token.L_PAREN
            _check_name(word.text, called)


def _check_name(name, called):
    upper = name.upper()
    if upper in _INSTEAD:
        raise QueryError(_INSTEAD[upper])
    if upper in RESERVED and not called:
        raise QueryError(f'{name} is a reserved word of ADQL; a column of that name is written "{name.lower()}"')


def _said(exc):
    """What a parser of sqlglot has to say, without the colours of a terminal."""
    errors = getattr(exc, "errors", None)
    if not errors:
        return str(exc).splitlines()[0][:200]
    first = errors[0]
    near = " ".join((first.get("highlight") or "").split())
    place = f" in line {first['line']}, column {first['col']}" if first.get("line") else ""
    return f"unexpected {near[:60]!r}{place}" if near else f"the query ends too early{place}"


def name_of(identifier):
    """Name as it was written, without quotes."""
    if not isinstance(identifier, exp.Identifier):
        raise QueryError("a plain name is expected")
    return identifier.this


def is_same(identifier, name):
    """True if an identifier means a name: exactly between double quotes, else in any case."""
    if identifier.args.get("quoted"):
        return name_of(identifier) == name
    return name_of(identifier).lower() == name.lower()


_parser(_ADQL())  # what cannot work is said when the server starts
