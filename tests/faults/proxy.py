"""A proxy on loopback, before an HTTP server, that fails in the ways in which networks and servers do."""

import contextlib
import http.client
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

FAULTS = ("refuses", "is silent", "answers 500", "loses replies", "loses every other reply")


class Proxy(ThreadingHTTPServer):
    """Passes requests on to `port`, or does what `fault` says."""

    daemon_threads = True

    def __init__(self, port: int) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.upstream = port
        self.fault: str | None = None
        self.asked = 0  # requests that came while there was a fault
        self.healed = threading.Event()  # ends the silence

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is none of ours."""

    @property
    def uri(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    @contextlib.contextmanager
    def serving(self) -> Iterator["Proxy"]:
        thread = threading.Thread(target=self.serve_forever, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self.heal()
            self.shutdown()
            thread.join()
            self.server_close()

    def fail(self, fault: str) -> None:
        assert fault in FAULTS
        self.healed.clear()
        self.fault, self.asked = fault, 0

    def heal(self) -> None:
        self.fault = None
        self.healed.set()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Proxy

    def log_message(self, *_: Any) -> None:
        pass

    def _pass_on(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        fault = self.server.fault
        self.server.asked += fault is not None
        if fault == "answers 500":
            self._answer(500, {}, b"no")
            return
        if fault == "is silent":
            self.server.healed.wait()
        if fault in ("refuses", "is silent"):
            self._hang_up()
            return
        upstream = http.client.HTTPConnection("127.0.0.1", self.server.upstream, timeout=60)
        try:
            upstream.request(self.command, self.path, body, dict(self.headers))
            reply = upstream.getresponse()
            content = reply.read()
        except (OSError, http.client.HTTPException):  # the server behind us is gone
            self._hang_up()
            return
        finally:
            upstream.close()
        if fault == "loses replies" or (fault == "loses every other reply" and self.server.asked % 2):
            self._hang_up()
        else:
            self._answer(reply.status, dict(reply.headers), content)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = _pass_on

    def _answer(self, status: int, headers: dict[str, str], content: bytes) -> None:
        self.send_response(status)
        for name, value in headers.items():
            if name.lower() not in ("content-length", "transfer-encoding", "connection", "date", "server"):
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def _hang_up(self) -> None:
        self.close_connection = True
        with contextlib.suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)
