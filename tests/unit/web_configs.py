"""Files as they are found: layouts, encodings, places; and strategies that make more of them."""

from __future__ import annotations

from hypothesis import strategies as st

BEFORE, AFTER = '<?xml version="1.0"?>\n<configuration>\n  <system.web>\n    ', "\n  </system.web>\n</configuration>\n"


def around(section: str) -> bytes:
    """A plain file with this in <system.web>."""
    return f"{BEFORE}{section}{AFTER}".encode()


def declared(encoding: str, codec: str, bom: bytes = b"") -> bytes:
    """A file with a letter that is not ASCII, in an encoding that it declares."""
    text = (
        f'<?xml version="1.0" encoding="{encoding}"?>\r\n<configuration>\r\n\t<!-- größe -->\r\n\t<system.web>\r\n'
        '\t\t<sessionState timeout="20"/>\r\n\t</system.web>\r\n</configuration>'
    )
    return bom + text.encode(codec)


blanks = st.text(st.sampled_from(" \t\n"), min_size=1, max_size=4)
texts = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"], exclude_characters="\ufffe\uffff"))
comments = st.text(st.sampled_from("<>&'\" ab=/ä€\n\t"), max_size=20).map(lambda text: f"<!--{text}-->")


@st.composite
def files(draw: st.DrawFn) -> tuple[str, str, str]:
    """What stands before a start tag of <sessionState>, the tag, and what stands after it; in one text a file."""
    end = draw(st.sampled_from(["\n", "\r\n", "\r", ""]))
    indent = draw(st.sampled_from(["", "  ", "\t"])) if end else ""

    def line(level: int, text: str) -> str:
        return f"{indent * level}{text}{end}"

    attributes = draw(
        st.dictionaries(
            st.sampled_from(["cookieName", "sessionIDManagerType", "timeout", "cookieless", "lockItem"]),
            st.sampled_from(["20", "a &amp; b", "&#228;", "x&gt;", "ü"]),
        )
    )
    written = "".join(
        f"{draw(blanks)}{name}{draw(st.sampled_from(['=', ' = ', chr(10) + '=']))}{quote}{value}{quote}"
        for name, value in attributes.items()
        for quote in draw(st.sampled_from("'\""))
    )
    children = draw(st.sampled_from(["", "<providers />", "<providers><add name='p'/></providers>"]))
    empty = not children and draw(st.booleans())
    tag = f"<sessionState{written}{draw(st.sampled_from(['', ' ', chr(9)]))}{'/' if empty else ''}>"
    location = draw(st.sampled_from(["", "<location path='.'>", "<location inheritInChildApplications='false'>"]))
    before = (
        draw(st.sampled_from(["", "<?xml version='1.0'?>"]))
        + end
        + draw(comments)
        + line(0, "<configuration>")
        + line(1, draw(comments))
        + line(1, "<appSettings><add key='&lt;sessionState>' value=\"ö\"/></appSettings>")
        + line(1, location)
        + line(1, "<system.web>")
        + line(2, draw(comments))
    )
    after = (
        ("" if empty else f"{children}{end}</sessionState >")
        + line(2, draw(comments))
        + line(1, "</system.web>")
        + line(1, "</location>" if location else "")
        + line(0, "</configuration>")
        + draw(comments)
    )
    return before, tag, after
