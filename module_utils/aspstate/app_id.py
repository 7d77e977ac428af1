"""The id of an ASP.NET application, with which System.Web ends the key of each of its sessions.

The hash is the one that TempGetAppID stores (GetHashCode in the session database): start at 5381, for each byte of
the lower-cased name multiply by 33 and XOR the byte, in 32 bits, read as a signed number.
"""

from __future__ import annotations


def app_id(app_name: str) -> int:
    """The signed 32-bit id of HttpRuntime.AppDomainAppId, such as `/LM/W3SVC/1/ROOT/shop`; case does not matter.

    Raises ValueError for a name that is not ASCII: its bytes would depend on the server's code page.
    """
    if not app_name.isascii():
        raise ValueError(f"application name {app_name!r} is not ASCII")
    value = 5381
    for byte in app_name.lower().rstrip(" ").encode("ascii"):
        value = (value * 33 ^ byte) & 0xFFFFFFFF
    return value - 0x1_0000_0000 if value & 0x8000_0000 else value


def suffix(identity: int) -> str:
    """The eight lower-case hexadecimal digits that end a session's key."""
    return f"{identity & 0xFFFFFFFF:08x}"
