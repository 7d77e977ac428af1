"""A changed attribute leaves all other bytes as they were, whatever the file looks like; what is missing is put in."""

from __future__ import annotations

import pytest
from aspstate.errors import Refused
from aspstate.web_config import read_web_config
from aspstate.web_config_edit import Wishes, plan_edit, session_state_facts
from hypothesis import example, given
from hypothesis import strategies as st

from tests.unit.web_configs import AFTER, BEFORE, around, declared, files, texts

SECRET = "s3cr3t-word"


def edited(raw: bytes, **attributes: str | None) -> bytes:
    return plan_edit(raw, Wishes(attributes)).raw


# what the section is, the change, what it is then
TAGS: dict[str, tuple[str, dict[str, str | None], str]] = {
    "a value keeps its place": (
        '<sessionState a="1" mode="Off" b="2"/>',
        {"mode": "InProc", "a": None, "b": None},
        '<sessionState mode="InProc"/>',
    ),
    "single quotes stay": ("<sessionState mode='Off' />", {"mode": "InProc"}, "<sessionState mode='InProc' />"),
    "a quote is written as its entity": (
        "<sessionState cookieName='a'/>",
        {"cookieName": 'it\'s "it"'},
        "<sessionState cookieName='it&apos;s \"it\"'/>",
    ),
    "blanks around the sign stay": (
        '<sessionState mode\n= "Off"/>',
        {"mode": "InProc"},
        '<sessionState mode\n= "InProc"/>',
    ),
    "a new one follows the last": (
        '<sessionState mode="InProc"/>',
        {"timeout": "5"},
        '<sessionState mode="InProc" timeout="5"/>',
    ),
    "a new one takes the quotes of the last": (
        "<sessionState mode='InProc'/>",
        {"timeout": "5"},
        "<sessionState mode='InProc' timeout='5'/>",
    ),
    "a new one gets its own line where the last has": (
        '<sessionState mode="InProc"\n\n      cookieName="a"\n    />',
        {"timeout": "5"},
        '<sessionState mode="InProc"\n\n      cookieName="a"\n      timeout="5"\n    />',
    ),
    "the first one follows the name": ("<sessionState />", {"mode": "Off"}, '<sessionState mode="Off" />'),
    "children stay": (
        '<sessionState mode="Off"><providers><!-- x --></providers></sessionState>',
        {"mode": "InProc"},
        '<sessionState mode="InProc"><providers><!-- x --></providers></sessionState>',
    ),
    "one that is taken out takes its line along": (
        '<sessionState\n      mode="InProc"\n      timeout="5" />',
        {"timeout": None},
        '<sessionState\n      mode="InProc" />',
    ),
    "a tab is written as a reference": (
        "<sessionState cookieName='a'/>",
        {"cookieName": "a\tb&<>"},
        "<sessionState cookieName='a&#9;b&amp;&lt;&gt;'/>",
    ),
    "what the file cannot hold is written as a reference": (
        "<sessionState/>",
        {"cookieName": "€"},
        '<sessionState cookieName="€"/>',
    ),
    "what ASP.NET reads alike stays": (
        '<sessionState compressionEnabled=" True " timeout="+020" cookieless="true"/>',
        {"compressionEnabled": "true", "timeout": "20", "cookieless": "UseUri"},
        '<sessionState compressionEnabled=" True " timeout="+020" cookieless="true"/>',
    ),
    "a missing one is made": (
        "<pages/>",
        {"mode": "Off", "timeout": None},
        '<pages/>\n    <sessionState mode="Off" />',
    ),
    "a comment at the end stays before it": (
        "<pages/>\n    <!-- <sessionState mode='X'/> -->",
        {"mode": "Off"},
        "<pages/>\n    <!-- <sessionState mode='X'/> -->\n    <sessionState mode=\"Off\" />",
    ),
    "nothing is made for what is to go": ("<pages/>", {"mode": None}, "<pages/>"),
}


@pytest.mark.parametrize(("section", "change", "then"), TAGS.values(), ids=TAGS)
def test_the_start_tag_changes_and_nothing_else(section: str, change: dict[str, str | None], then: str) -> None:
    assert edited(around(section), **change).decode() == f"{BEFORE}{then}{AFTER}"
    assert edited(around(then), **change).decode() == f"{BEFORE}{then}{AFTER}"


# a file, and the same with <sessionState mode="Off" />
PLACES: dict[str, tuple[str, str]] = {
    "an empty root": (
        "<configuration/>",
        '<configuration><system.web><sessionState mode="Off" /></system.web></configuration>',
    ),
    "an empty root with lines": (
        "<?xml version='1.0'?>\r\n<configuration>\r\n</configuration>\r\n",
        "<?xml version='1.0'?>\r\n<configuration>\r\n  <system.web>\r\n"
        '    <sessionState mode="Off" />\r\n  </system.web>\r\n</configuration>\r\n',
    ),
    "an empty element system.web": (
        "<configuration>\n\t<configSections/>\n\t<system.web />\n</configuration>",
        "<configuration>\n\t<configSections/>\n\t<system.web>\n"
        '\t\t<sessionState mode="Off" />\n\t</system.web>\n</configuration>',
    ),
    "system.web with an end tag": (
        "<configuration>\n <system.web></system.web>\n</configuration>",
        '<configuration>\n <system.web>\n  <sessionState mode="Off" />\n </system.web>\n</configuration>',
    ),
    "no system.web": (
        "<configuration>\n   <configSections />\n   <appSettings>\n      <add/>\n   </appSettings>\n</configuration>\n",
        "<configuration>\n   <configSections />\n   <appSettings>\n      <add/>\n   </appSettings>\n"
        '   <system.web>\n      <sessionState mode="Off" />\n   </system.web>\n</configuration>\n',
    ),
    "a system.web on one line": (
        "<configuration>\n  <system.web><pages/></system.web>\n</configuration>",
        '<configuration>\n  <system.web><pages/><sessionState mode="Off" /></system.web>\n</configuration>',
    ),
    "the application's own location": (
        "<configuration>\n  <location path='.' inheritInChildApplications='false'>\n    <system.web>\n"
        "    </system.web>\n  </location>\n</configuration>",
        "<configuration>\n  <location path='.' inheritInChildApplications='false'>\n    <system.web>\n"
        '      <sessionState mode="Off" />\n    </system.web>\n  </location>\n</configuration>',
    ),
    "a location of somebody else's": (
        "<configuration>\n  <location path='admin'>\n    <system.web>\n    </system.web>\n  </location>\n"
        "</configuration>",
        "<configuration>\n  <location path='admin'>\n    <system.web>\n    </system.web>\n  </location>\n"
        '  <system.web>\n    <sessionState mode="Off" />\n  </system.web>\n</configuration>',
    ),
    "no xml namespace of its own": (
        "<configuration xmlns='http://schemas.microsoft.com/.NetConfiguration/v2.0'><system.web/></configuration>",
        "<configuration xmlns='http://schemas.microsoft.com/.NetConfiguration/v2.0'><system.web>"
        '<sessionState mode="Off" /></system.web></configuration>',
    ),
    "the file that a configSource names": ("<sessionState/>", '<sessionState mode="Off"/>'),
    "somebody's own section": (
        "<configuration>\n  <shop><sessionState x='1'/></shop>\n  <system.web/>\n</configuration>",
        "<configuration>\n  <shop><sessionState x='1'/></shop>\n"
        '  <system.web>\n    <sessionState mode="Off" />\n  </system.web>\n</configuration>',
    ),
}


@pytest.mark.parametrize(("raw", "then"), PLACES.values(), ids=PLACES)
def test_a_missing_element_is_made_in_its_place_as_the_file_is_laid_out(raw: str, then: str) -> None:
    assert edited(raw.encode(), mode="Off").decode() == then
    assert edited(then.encode(), mode="Off").decode() == then


ENCODINGS = {
    "utf-8": declared("UTF-8", "utf-8"),
    "utf-8 with its mark": declared("utf-8", "utf-8", b"\xef\xbb\xbf"),
    "utf-16, little end first": declared("utf-16", "utf-16-le", b"\xff\xfe"),
    "utf-16, big end first": declared("unicode", "utf-16-be", b"\xfe\xff"),
    "utf-16 without a mark": declared("utf-16", "utf-16-le"),
    "latin 1": declared("iso-8859-1", "latin-1"),
    "windows": declared("Windows-1252", "cp1252"),
    "an old page of DOS": declared("ibm850", "cp850"),
}


@pytest.mark.parametrize("raw", ENCODINGS.values(), ids=ENCODINGS)
def test_a_file_keeps_its_encoding(raw: bytes) -> None:
    config = read_web_config(raw)
    then = edited(raw, timeout="45", cookieName="größe€")
    codec = config.encoding.codec
    name = "größe€".encode(codec, "xmlcharrefreplace").decode(codec)
    wanted = config.text.replace('timeout="20"', f'timeout="45" cookieName="{name}"')
    assert then == config.encoding.bom + wanted.encode(codec)
    assert read_web_config(then).attributes == {"timeout": "45", "cookieName": "größe€"}


@given(files(), st.sampled_from(["", "utf-8-sig", "utf-16", "latin-1"]), texts, st.booleans())
@example(
    ("<configuration><system.web>", "<sessionState>", "</sessionState></system.web></configuration>"), "", "", True
)
def test_any_change_leaves_all_other_bytes_and_reads_as_it_was_meant(
    file: tuple[str, str, str], encoding: str, name: str, remove: bool
) -> None:
    before, tag, after = file
    if encoding == "latin-1":
        before = "<?xml version='1.0' encoding='iso-8859-1'?>" + before.replace("<?xml version='1.0'?>", "").lstrip()
        before, after = before.replace("€", "e"), after.replace("€", "e")
    before = before.lstrip()
    raw = (before + tag + after).encode(encoding or "utf-8")
    old = read_web_config(raw).attributes
    wanted = {"mode": "StateServer", "cookieName": name, **({"sessionIDManagerType": None} if remove else {})}
    wanted |= {"timeout": "30", "cookieless": None, "partitionResolverType": None}

    then = edited(raw, **wanted)

    codec = "utf-16-le" if encoding == "utf-16" else encoding.removesuffix("-sig") or "utf-8"
    mark = raw[: len(raw) - len((before + tag + after).encode(codec))]
    assert then.startswith(mark + (before + "<sessionState").encode(codec))
    assert then.endswith(after.encode(codec))
    expected = {key: value for key, value in {**old, **wanted}.items() if value is not None}
    assert read_web_config(then).attributes == expected
    assert list(read_web_config(then).attributes)[: len(old) - len(set(old) - set(expected))] == [
        key for key in old if key in expected
    ]
    assert edited(then, **wanted) == then
    assert edited(raw) == raw


def test_an_entry_of_connection_strings_is_made_changed_and_left() -> None:
    raw = b"<configuration>\n  <system.web>\n  </system.web>\n</configuration>\n"
    wishes = Wishes({}, {"Shop": {"connectionString": "server=a"}})
    made = plan_edit(raw, wishes).raw
    entry = b'  <connectionStrings>\n    <add name="Shop" connectionString="server=a" />\n  </connectionStrings>\n'
    assert made == raw.replace(b"</configuration>", entry + b"</configuration>")
    assert plan_edit(made, wishes).raw == made
    changed = plan_edit(made, Wishes({}, {"SHOP": {"connectionString": "server=b", "providerName": "p"}})).raw
    assert changed == made.replace(b'"server=a"', b'"server=b" providerName="p"')
    second = plan_edit(changed, Wishes({}, {"other": {"connectionString": "x=1"}})).raw
    assert second == changed.replace(b"  </conn", b'    <add name="other" connectionString="x=1" />\n  </conn')


# what is wrong, and what is said of it
REFUSALS: dict[str, tuple[str | bytes, str]] = {
    "malformed": ("<sessionState mode='Off'>", r"line 5, column 5: malformed XML: mismatched tag"),
    "an unknown prefix": ("<x:sessionState/>", "malformed XML: unbound prefix"),
    "an attribute twice": ("<sessionState a='1' a='2'/>", "line 4, column 25: malformed XML: duplicate attribute"),
    "no XML": (b"", "line 1, column 1: malformed XML: no element found"),
    "a document type": (b"<!DOCTYPE configuration [<!ENTITY a 'b'>]><configuration/>", "line 1: it has a DOCTYPE"),
    "XML 1.1": (b"<?xml version='1.1'?><configuration/>", "version 1.1, and .NET reads 1.0 only"),
    "another root": (b"\n<web/>", "line 2: the root element is <web>, not <configuration>"),
    "another namespace": (b"<configuration xmlns='urn:x'/>", "takes xmlns .* only on <configuration>"),
    "configSections too late": (
        b"<configuration>\n<a/>\n<configSections/></configuration>",
        "line 3: <configSections> must be the first",
    ),
    "encrypted by its attribute": (
        "<sessionState configProtectionProvider='x'/>",
        r'line 4: .*aspnet_regiis -pdf "system.web/sessionState"',
    ),
    "encrypted by its content": ("<sessionState><EncryptedData/></sessionState>", "is encrypted; decrypt it"),
    "in another file": (
        "<sessionState configSource='state.config'/>",
        "configSource='state.config' .*; name that one instead",
    ),
    "twice": ("<sessionState/>\n<sessionState/>", r"2 times \(lines 4, 5\)"),
    "twice, once in a location": (
        b"<configuration><system.web><sessionState/></system.web><location><system.web><sessionState/></system.web></location></configuration>",
        "2 times",
    ),
    "for a part of the site only": (
        b"<configuration>\n<location path='shop'><system.web><sessionState/></system.web></location></configuration>",
        "line 2: <sessionState> is for <location path='shop'> only; name the web.config of that application",
    ),
    "outside system.web": (
        b"<configuration>\n<sessionState/></configuration>",
        "line 2: <sessionState> is in <configuration>; its",
    ),
    "in the wrong group": (
        b"<configuration><system.webServer><sessionState/></system.webServer></configuration>",
        "is in <system.webServer>; its place is in <system.web>",
    ),
    "too deep": (
        "<pages>\n<sessionState/></pages>",
        "line 5: <sessionState> is in <pages>; its place",
    ),
    "the element's case": ("<SessionState/>", "<SessionState> is to be <sessionState>, case matters"),
    "the group's case": (b"<configuration><System.Web/></configuration>", "<System.Web> is to be <system.web>"),
    "bytes that are none": (declared("utf-8", "latin-1"), "line 3: byte 0xf6 is not utf-8; save the file as UTF-8"),
    "an encoding of many bytes": (
        b"<?xml version='1.0' encoding='shift_jis'?><configuration/>",
        "says encoding shift_jis, which",
    ),
    "an encoding that is none": (
        b"<?xml version='1.0' encoding='cp99999'?><configuration/>",
        "says encoding cp99999, which",
    ),
    "another encoding than its mark": (
        declared("utf-8", "utf-16-le", b"\xff\xfe"),
        "says encoding utf-8, and the bytes are utf-16",
    ),
    "utf-16 that is not": (b"<?xml version='1.0' encoding='utf-16'?><configuration/>", "says encoding utf-16"),
    "what ASP.NET would not load": (
        "<sessionState Mode='Off'/>",
        "Mode: <sessionState> has no attribute of this name; did you mean mode",
    ),
}


@pytest.mark.parametrize(("section", "message"), REFUSALS.values(), ids=REFUSALS)
def test_a_file_that_cannot_be_edited_safely_is_refused(section: str | bytes, message: str) -> None:
    raw = around(section) if isinstance(section, str) else section
    with pytest.raises(Refused, match=message):
        edited(raw, timeout="5")


def test_a_commented_out_section_is_none() -> None:
    assert read_web_config(around("<!--<sessionState mode='Off'/>-->")).session_state is None


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ("<connectionStrings configSource='strings.config'/>", "'strings.config' .*; put it back in here"),
        (
            "<connectionStrings configProtectionProvider='x'><EncryptedData/></connectionStrings>",
            '-pdf "connectionStrings"',
        ),
        ("<connectionStrings><add name='a'/><add name='A'/></connectionStrings>", "has 'a' twice"),
    ],
)
def test_connection_strings_that_cannot_be_edited_matter_only_where_an_entry_is_asked_for(
    section: str, message: str
) -> None:
    raw = f"<configuration>{section}<system.web/></configuration>".encode()
    assert b"<sessionState" in edited(raw, mode="Off")
    with pytest.raises(Refused, match=message):
        plan_edit(raw, Wishes({}, {"a": {"connectionString": "server=a"}}))


def test_a_file_of_the_section_alone_takes_no_entry() -> None:
    with pytest.raises(Refused, match="this file is <sessionState> alone"):
        plan_edit(b"<sessionState/>", Wishes({}, {"a": {"connectionString": "server=a"}}))


def test_deep_files_are_no_harm() -> None:
    raw = around("<a>" * 5000 + "<sessionState/>" + "</a>" * 5000)
    with pytest.raises(Refused, match="<sessionState> is in <a>; its place is in <system"):
        edited(raw, mode="Off")


def test_a_character_that_xml_cannot_hold_is_refused() -> None:
    with pytest.raises(Refused, match=r"U\+0000, which XML cannot hold"):
        edited(around("<sessionState/>"), cookieName="a\0b")


def test_the_diff_shows_no_secret_and_that_one_changed() -> None:
    old, new = f"server=a;user id=u;password={SECRET}", f"server=a;user id=u;password=x{SECRET}"
    raw = around(f"<sessionState mode='SQLServer' sqlConnectionString='{old}' bogus='{SECRET}'/>")
    plan = plan_edit(raw, Wishes({"sqlConnectionString": new, "timeout": "5", "bogus": None}))
    line = "sqlConnectionString = data source=a;user id=u;password=********"
    assert plan.before == f"mode = SQLServer\n{line}\nbogus = ********\n"
    assert plan.after == f"mode = SQLServer\n{line} (changed)\ntimeout = 5\n"
    assert session_state_facts(plan.config) == {
        "exists": True,
        "attributes": {"mode": "SQLServer", "sqlConnectionString": line.partition(" = ")[2], "timeout": "5"},
        "connection": {"data source": "a", "user id": "u"},
    }
    again = plan_edit(plan.raw, Wishes({"sqlConnectionString": new}))
    assert again.before == again.after


def test_the_diff_of_an_entry_shows_no_secret() -> None:
    raw = around("<sessionState mode='SQLServer' sqlConnectionString='Shop'/>")
    plan = plan_edit(raw, Wishes({}, {"Shop": {"connectionString": f"pwd={SECRET};server=a", "providerName": "p"}}))
    added = "connectionStrings/Shop = password=********;data source=a\nconnectionStrings/Shop/providerName = p\n"
    assert plan.after == plan.before + added
    assert session_state_facts(plan.config)["connection"] == {"data source": "a"}
