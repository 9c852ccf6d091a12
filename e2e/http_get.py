"""Plain HTTP requests: the answer as it is, whatever its status."""

import http.client
from dataclasses import dataclass
from urllib.parse import urlsplit

TIMEOUT_S = 60


@dataclass
class Answer:
    status: int
    headers: http.client.HTTPMessage
    body: bytes


def get(url, method="GET", **headers):
    """Asks once; `If_None_Match` stands for the header If-None-Match."""
    address = urlsplit(url)
    connection = http.client.HTTPConnection(address.netloc, timeout=TIMEOUT_S)
    try:
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, address.path + (f"?{address.query}" if address.query else ""), headers=headers)
        response = connection.getresponse()
        return Answer(response.status, response.headers, response.read())
    finally:
        connection.close()
