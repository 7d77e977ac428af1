"""A start tag in pieces: attributes are set and removed, and every other character of it stays as it was."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from .errors import Refused

_BLANKS = r"[ \t\r\n]"
_NAME = re.compile(r"<([^ \t\r\n/>]+)")
_ATTRIBUTE = re.compile(rf"""({_BLANKS}+)([^ \t\r\n=/>"']+)({_BLANKS}*={_BLANKS}*)("[^"]*"|'[^']*')""")
_TAIL = re.compile(rf"{_BLANKS}*/?>")
_REFERENCE = re.compile(r"&(#x[0-9a-fA-F]+|#[0-9]+|\w+);")
_ENTITIES = {"amp": "&", "lt": "<", "gt": ">", "quot": '"', "apos": "'"}
_LAST_LINE_END = re.compile(r"(?:\r\n|\n|\r)[ \t]*\Z")
# what XML 1.0 cannot hold, not even as a reference
_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True)
class Attribute:
    """`raw` is what stands between the quotes; `before` the blanks before the name, `equals` the sign with its own."""

    before: str
    name: str
    equals: str
    quote: str
    raw: str

    def __str__(self) -> str:
        return f"{self.before}{self.name}{self.equals}{self.quote}{self.raw}{self.quote}"

    @property
    def value(self) -> str:
        """What a program reads."""
        return _REFERENCE.sub(_resolved, re.sub(r"\r\n|[\t\r\n]", " ", self.raw))


@dataclass(frozen=True)
class Tag:
    """`tail` is what follows the last attribute, to the end of the tag."""

    name: str
    attributes: tuple[Attribute, ...]
    tail: str

    def __str__(self) -> str:
        return f"<{self.name}{''.join(map(str, self.attributes))}{self.tail}"

    @property
    def empty(self) -> bool:
        """Whether it is an element without content and end tag."""
        return self.tail.endswith("/>")

    @property
    def values(self) -> dict[str, str]:
        """The attributes as a program reads them."""
        return {each.name: each.value for each in self.attributes}

    def with_values(self, wanted: dict[str, str | None], codec: str) -> Tag:
        """With each attribute of `wanted` set, or taken out where it is None.

        One that is there keeps its place and its quotes; a new one follows the last, on a line of its own where that
        one is.
        """
        kept = [each for each in self.attributes if wanted.get(each.name, "") is not None]
        changed = tuple(
            replace(each, raw=escape(wanted[each.name], each.quote, codec)) if each.name in wanted else each
            for each in kept
        )
        last = self.attributes[-1] if self.attributes else Attribute(" ", "", "=", '"', "")
        on_a_line = _LAST_LINE_END.search(last.before)
        pattern = replace(last, before=on_a_line.group() if on_a_line else " ", equals="=")
        there = {each.name for each in self.attributes}
        new = tuple(
            replace(pattern, name=name, raw=escape(value, last.quote, codec))
            for name, value in wanted.items()
            if value is not None and name not in there
        )
        return replace(self, attributes=changed + new)

    def opened(self) -> Tag:
        """With room for content, where it was an empty element."""
        return replace(self, tail=">") if self.empty else self


def parse_tag(text: str, start: int) -> tuple[Tag, int]:
    """The start tag at `start` of well-formed XML, and where it ends."""
    name = _NAME.match(text, start)
    assert name
    position, attributes = name.end(), []
    while found := _ATTRIBUTE.match(text, position):
        before, attribute, equals, quoted = found.groups()
        attributes.append(Attribute(before, attribute, equals, quoted[0], quoted[1:-1]))
        position = found.end()
    tail = _TAIL.match(text, position)
    assert tail
    return Tag(name.group(1), tuple(attributes), tail.group()), tail.end()


def new_tag(name: str, values: dict[str, str], codec: str) -> Tag:
    """An element without content, on one line."""
    return Tag(name, (), " />").with_values(dict(values), codec)


def escape(value: str, quote: str, codec: str) -> str:
    """A value as it is written between such quotes in a file of that encoding. Raises Refused for what XML has not."""
    if found := _FORBIDDEN.search(value):
        raise Refused(f"a value has the character U+{ord(found.group()):04X}, which XML cannot hold; take it out")
    value = value.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    value = value.replace(quote, "&quot;" if quote == '"' else "&apos;")
    for blank in "\t\n\r":  # else they are read as spaces
        value = value.replace(blank, f"&#{ord(blank)};")
    return value.encode(codec, "xmlcharrefreplace").decode(codec)


def _resolved(reference: re.Match[str]) -> str:
    what = reference.group(1)
    if what.startswith("#x"):
        return chr(int(what[2:], 16))
    return chr(int(what[1:])) if what.startswith("#") else _ENTITIES[what]
