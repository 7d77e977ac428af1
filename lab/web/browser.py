"""A visitor with a cookie jar."""

from __future__ import annotations

import urllib.error
import urllib.request
from dataclasses import dataclass
from http.client import HTTPException
from http.cookiejar import CookieJar


@dataclass(frozen=True)
class Answer:
    """What came for one request."""

    status: int
    text: str


class Browser:
    """Keeps its cookies, also from one web node to the other: a cookie is a host's, whatever the port."""

    def __init__(self) -> None:
        self.cookies = CookieJar()
        no_proxy = urllib.request.ProxyHandler({})
        self._opener = urllib.request.build_opener(no_proxy, urllib.request.HTTPCookieProcessor(self.cookies))

    def get(self, url: str, timeout: float = 60) -> Answer:
        """The answer, also if it is an error. Raises OSError if there is none, or not all of one."""
        try:
            return self._get(url, timeout)
        except HTTPException as cut_off:
            raise OSError(f"{url}: {cut_off}") from None

    def _get(self, url: str, timeout: float) -> Answer:
        try:
            with self._opener.open(url, timeout=timeout) as response:
                return Answer(response.status, response.read().decode())
        except urllib.error.HTTPError as error:
            with error:
                return Answer(error.code, error.read().decode())
