"""Where a new element goes in a text, laid out as the file is: its indentation, its line ends, or all on one line."""

from __future__ import annotations

import re

from .xml_tag import Tag
from .xml_text import Element, line_end

_BLANKS = " \t\r\n"
_USUAL_INDENT = "  "


def with_last_child(text: str, parent: Element, child: str) -> str:
    """The text with `child` as the last element in `parent`; comments that end it stay before."""
    content = text[parent.head_end : parent.tail]
    kept = content.rstrip(_BLANKS)
    before, after = _around(text, parent, content, content[len(kept) :])
    inside = f"{kept}{before}{child}{after}"
    if parent.tag.empty:
        return f"{text[: parent.start]}{parent.tag.opened()}{inside}</{parent.name}>{text[parent.end :]}"
    return f"{text[: parent.head_end]}{inside}{text[parent.tail :]}"


def with_tag(text: str, element: Element, tag: Tag) -> str:
    """The text with another start tag for `element`."""
    return f"{text[: element.start]}{tag}{text[element.head_end :]}"


def empty_element(name: str) -> str:
    """An element that is to get content."""
    return f"<{name}></{name}>"


def _around(text: str, parent: Element, content: str, trailing: str) -> tuple[str, str]:
    """What stands between the content and the new child, and between that and the parent's end."""
    end, own = line_end(text), _indent(text, parent)
    on_one_line = bool(content) and not re.search(r"[\r\n]", content)
    if not end or own is None or on_one_line:
        return "", trailing
    siblings = [indent for each in parent.children if (indent := _indent(text, each)) is not None]
    indent = siblings[-1] if siblings else own + _unit(text, parent)
    return end + indent, trailing if re.search(r"[\r\n]", trailing) else end + own


def _indent(text: str, element: Element) -> str | None:
    """The blanks before an element that begins a line; the root is taken to begin one."""
    line = max(text.rfind("\n", 0, element.start), text.rfind("\r", 0, element.start)) + 1
    before = text[line : element.start]
    if before.strip(_BLANKS):
        return None if element.parent else ""
    return before


def _unit(text: str, element: Element) -> str:
    """By how much this file indents one level."""
    root = element
    while root.parent:
        root = root.parent
    for each in root.walk():
        outer, inner = each.parent and _indent(text, each.parent), _indent(text, each)
        if outer is not None and inner and inner.startswith(outer) and inner != outer:
            return inner[len(outer) :]
    return _USUAL_INDENT
