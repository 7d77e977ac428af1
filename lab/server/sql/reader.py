"""The tokens of one batch while it is parsed: look at the next, take it, or raise what is wrong with it."""

from __future__ import annotations

from lab.server.errors import SqlError, unsupported
from lab.server.sql import ast, system_variables
from lab.server.sql.lexer import MAXIMUM_NAME, Kind, Token, name_too_long, tokens
from lab.server.sql.reserved_words import RESERVED
from lab.server.sql.scope import Scope, parse_error

LARGEST_BIGINT = 2**63 - 1


class Reader:
    """Where the parser is in a batch. `quoted_identifier` says whether "x" is a name; SET may change it on the way."""

    def __init__(self, text: str, quoted_identifier: bool) -> None:
        self.text = text
        self.quoted_identifier = quoted_identifier
        self.scope = Scope()
        self.tokens = tokens(text)
        self.position = 0
        self.token = self.tokens[0]

    # Tokens

    def peek(self, distance: int = 1) -> Token:
        """The token that many places on; END past the end."""
        return self.tokens[min(self.position + distance, len(self.tokens) - 1)]

    def previous(self) -> Token | None:
        """The token taken last."""
        return self.tokens[self.position - 1] if self.position else None

    def next(self) -> Token:
        """Take the token."""
        token = self.token
        if token.kind is not Kind.END:
            self.position += 1
            self.token = self.tokens[self.position]
        return token

    def at(self, *words: str) -> bool:
        """Whether the token is one of these words or operators (in upper case)."""
        return self.token.upper in words and self.token.kind is not Kind.END

    def ahead(self, *sequence: str) -> bool:
        """Whether the next tokens are these, in this order."""
        return all(self.peek(distance).upper == word for distance, word in enumerate(sequence))

    def accept(self, *words: str) -> str:
        """Take the token if it is one of these, and say which; otherwise say ''."""
        return self.next().upper if self.at(*words) else ""

    def accept_sequence(self, *sequence: str) -> bool:
        """Take the next tokens if they are these, in this order."""
        if not self.ahead(*sequence):
            return False
        for _ in sequence:
            self.next()
        return True

    def expect(self, *words: str) -> Token:
        """Take the token, which must be one of these."""
        if not self.at(*words):
            raise self.syntax_error()
        return self.next()

    def expect_kind(self, *kinds: Kind) -> Token:
        """Take the token, which must be of one of these kinds."""
        if self.token.kind not in kinds:
            raise self.syntax_error()
        return self.next()

    def whole_number(self) -> int:
        """Take an integer without a sign; more than bigint has is not supported."""
        token = self.expect_kind(Kind.INTEGER)
        if len(token.text.lstrip("0")) > len(str(LARGEST_BIGINT)) or int(token.text) > LARGEST_BIGINT:
            raise self.unsupported(token.text)
        return int(token.text)

    # Errors

    def nearest(self, token: Token) -> Token:
        """The token that an error names: the wrong one, or the last of the batch if more was expected."""
        return token if token.kind is not Kind.END else self.tokens[max(len(self.tokens) - 2, 0)]

    def syntax_error(self, token: Token | None = None) -> SqlError:
        """102, or 156 if the token that is wrong (the next one) is a reserved word."""
        token = token or self.token
        if token.kind is Kind.WORD and token.upper in RESERVED:
            return parse_error(156, f"Incorrect syntax near the keyword '{token.text}'.", token.line)
        return parse_error(102, f"Incorrect syntax near '{self.nearest(token).value}'.", token.line)

    def unsupported(self, what: str | None = None) -> SqlError:
        """The error for known T-SQL that the lab server does not do; it quotes `what`, or the next token."""
        return unsupported(self.token.text if what is None else what, self.token.line)

    def refuse(self, words: frozenset[str] | tuple[str, ...]) -> None:
        """Raise "not supported" if the token is one of these words."""
        if self.token.upper in words and self.token.kind is not Kind.END:
            raise self.unsupported()

    # Names

    def at_name(self, distance: int = 0) -> bool:
        """Whether the token can be a name."""
        token = self.peek(distance)
        if token.kind is Kind.WORD:
            return token.upper not in RESERVED
        return token.kind is Kind.BRACKETED or (token.kind is Kind.DOUBLE_QUOTED and self.quoted_identifier)

    def at_label(self) -> bool:
        """Whether a label begins here, rather than the name of what comes before."""
        return self.at_name() and self.peek().upper == ":"

    def name(self) -> str:
        """Take a name; raises 1038 for an empty one and 103 for one that is too long."""
        if not self.at_name():
            raise self.syntax_error()
        token = self.next()
        if not token.value:
            raise parse_error(1038, "An object or column name is missing or empty.", token.line)
        if len(token.value) > MAXIMUM_NAME:
            raise name_too_long(token.value, token.line)
        return token.value

    def dotted_name(self) -> tuple[str, ...]:
        """Take names with dots between them; a part in the middle may be left out (`db..t`)."""
        parts = [self.name()]
        while self.accept("."):
            parts.append("" if self.at(".") else self.name())
        return tuple(parts)

    def object_name(self) -> ast.ObjectName:
        """Take the name of an object, of one to three parts."""
        line = self.token.line
        parts = self.dotted_name()
        if len(parts) > 3:
            raise unsupported(".".join(parts), line)
        return ast.ObjectName(parts, line=line)

    # Variables

    def variable_name(self) -> str:
        """Take the name of a variable that this batch or procedure has declared; raises 137."""
        token = self.expect_kind(Kind.VARIABLE)
        if token.value.lower() not in self.scope.known:
            raise parse_error(137, f'Must declare the scalar variable "{token.value}".', token.line)
        return token.value

    def variable(self) -> ast.Variable | ast.SystemVariable:
        """Take a variable of either kind: a declared name goes before a system variable of that name."""
        token = self.token
        upper = token.value.upper()
        if token.value.lower() not in self.scope.known:
            if upper in system_variables.SUPPORTED:
                return ast.SystemVariable(self.next().value.upper(), line=token.line)
            if upper in system_variables.NOT_SUPPORTED:
                raise self.unsupported()
        return ast.Variable(self.variable_name(), line=token.line)
