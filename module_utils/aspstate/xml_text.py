"""An XML file as text in which every element has its place, so that one of them can be changed and no other byte.

Nothing is lost on the way: `decode` takes only encodings in which the text gives back the very bytes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from xml.parsers import expat

from .errors import Refused
from .xml_tag import Tag, parse_tag

_BOMS = ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"))
_WITHOUT_BOM = ((b"<\0", "utf-16-le"), (b"\0<", "utf-16-be"))
_DECLARED = re.compile(r"""<\?xml[^>]*?\sencoding[ \t\r\n]*=[ \t\r\n]*["']([\w.:-]+)["']""", re.ASCII)
_UTF_16 = ("utf-16", "unicode", "ucs-2", "iso-10646-ucs-2")
_SINGLE_BYTE = re.compile(r"us-ascii|iso-8859-\d+|windows-\d+|koi8-[ru]|ibm\d+|cp\d+|macintosh", re.ASCII)
_LINE_END = re.compile(r"\r\n|\n|\r")


@dataclass(frozen=True)
class Encoding:
    """How the file's bytes become text: a codec of Python, after a byte order mark or none."""

    codec: str
    bom: bytes

    def encode(self, text: str) -> bytes:
        """The file's bytes. A character that the encoding does not have must have been written as a reference."""
        return self.bom + text.encode(self.codec)


@dataclass(eq=False)
class Element:
    """An element and where it is in the text: from `start` to `end`, what is in it from `head_end` to `tail`."""

    name: str
    parent: Element | None
    start: int
    line: int
    tag: Tag
    head_end: int
    tail: int = 0
    end: int = 0
    children: list[Element] = field(default_factory=list)

    @property
    def path(self) -> tuple[str, ...]:
        """The names from the root to here."""
        names, element = [], self
        while element:
            names.append(element.name)
            element = element.parent
        return tuple(reversed(names))

    def walk(self) -> Iterator[Element]:
        """This element and all below it, in the order of the file."""
        waiting = [self]
        while waiting:
            element = waiting.pop()
            yield element
            waiting.extend(reversed(element.children))


def decode(raw: bytes) -> tuple[Encoding, str]:
    """The encoding of a file and its text. Raises Refused where they are not certain."""
    bom, codec = next(((bom, codec) for bom, codec in _BOMS if raw.startswith(bom)), (b"", ""))
    codec = codec or next((codec for start, codec in _WITHOUT_BOM if raw.startswith(start)), "")
    declared = _declared(raw, bom, codec)
    codec = _judged(codec, declared)
    try:
        text = raw[len(bom) :].decode(codec)
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise Refused(f"line {line}: byte {raw[error.start]:#04x} is not {declared or codec}; {_SAVE}") from None
    return Encoding(codec, bom), text


def parse(text: str) -> Element:
    """The root element, with all others below it. Raises Refused for malformed XML and for a DOCTYPE."""
    return _Builder(text).root()


def line_end(text: str) -> str:
    """How this file ends its lines; empty where it has one line only."""
    found = _LINE_END.search(text)
    return found.group() if found else ""


_SAVE = "save the file as UTF-8, with that in its XML declaration"


def _declared(raw: bytes, bom: bytes, codec: str) -> str:
    head = raw[len(bom) :][:400].decode(codec or "latin-1", errors="replace")
    found = _DECLARED.match(head)
    return found.group(1).lower() if found else ""


def _judged(found: str, declared: str) -> str:
    """The codec, from what the bytes say and what the XML declaration says. Raises Refused where they disagree."""
    usual = "utf-16" if found.startswith("utf-16") else "utf-8"
    if found and declared and declared not in (_UTF_16 if usual == "utf-16" else ("utf-8",)):
        raise Refused(f"line 1: the XML declaration says encoding {declared}, and the bytes are {usual}; {_SAVE}")
    if found or declared in ("", "utf-8"):
        return found or "utf-8"
    if _SINGLE_BYTE.fullmatch(declared):
        try:
            table = bytes(range(256)).decode(declared, errors="replace")
        except LookupError:
            table = ""
        if len(table) == 256 and table[:128].encode() == bytes(range(128)):
            return declared
    raise Refused(
        f"line 1: the XML declaration says encoding {declared}, which this can only tell from UTF-8, UTF-16 and those "
        f"of one byte a character; {_SAVE}"
    )


class _Builder:
    """Collects elements while expat reads; expat counts in bytes of UTF-8, an Element in characters."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._utf8 = text.encode()
        self._byte = self._character = 0
        self._open: list[Element] = []
        self._root: Element | None = None
        parser = self._parser = expat.ParserCreate("utf-8", " ")
        parser.namespace_prefixes = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.StartDoctypeDeclHandler = self._doctype
        parser.XmlDeclHandler = self._declaration

    def root(self) -> Element:
        try:
            self._parser.Parse(self._utf8, True)
        except expat.ExpatError as error:
            what = expat.ErrorString(error.code)
            raise Refused(
                f"line {error.lineno}, column {error.offset + 1}: malformed XML: {what}; correct it"
            ) from None
        assert self._root
        return self._root

    def _place(self) -> int:
        byte = self._parser.CurrentByteIndex
        self._character += len(self._utf8[self._byte : byte].decode())
        self._byte = byte
        return self._character

    def _start(self, name: str, _: dict[str, str]) -> None:
        start = self._place()
        tag, head_end = parse_tag(self._text, start)
        parent = self._open[-1] if self._open else None
        element = Element(_written(name), parent, start, self._parser.CurrentLineNumber, tag, head_end)
        (parent.children if parent else []).append(element)
        self._root = self._root or element
        self._open.append(element)

    def _end(self, _: str) -> None:
        element = self._open.pop()
        if element.tag.empty:
            element.tail = element.end = element.head_end
        else:
            element.tail = self._place()
            element.end = self._text.index(">", element.tail) + 1

    def _doctype(self, *_: object) -> None:
        line = self._parser.CurrentLineNumber
        raise Refused(f"line {line}: it has a DOCTYPE, which can put in what is written elsewhere; take it out")

    def _declaration(self, version: str, *_: object) -> None:
        if version != "1.0":
            raise Refused(f"line 1: the XML declaration says version {version}, and .NET reads 1.0 only; correct it")


def _written(name: str) -> str:
    """A name as it is written, of expat's `namespace name prefix`."""
    namespace, _, rest = name.rpartition(" ") if " " in name else ("", "", name)
    if " " in namespace:  # three parts
        return f"{rest}:{namespace.rpartition(' ')[2]}"
    return rest
