"""`python -m tests.answering`: a process that is ready at once, for stacks whose processes do not matter."""

from __future__ import annotations

import os
from http.server import BaseHTTPRequestHandler, HTTPServer


class Ready(BaseHTTPRequestHandler):
    """Answers every GET with 200 and nothing."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()


if __name__ == "__main__":
    HTTPServer(("127.0.0.1", int(os.environ["VALENCE_METRICS_PORT"])), Ready).serve_forever()
