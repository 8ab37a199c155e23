"""A model hub on this machine with the endpoints that huggingface_hub asks, and a store beside it for large files."""

import contextlib
import http.server
import json
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from hashlib import sha1, sha256

COMMITS = {"main": "1" * 40, "v2": "2" * 40}
# What tests ask for of a model: its files, those that are hashed, and the variable that names a source of one's own.
PATTERNS = ("unet/config.json", "unet/*.safetensors", "tokenizer/*.txt")
HASHED = ("**/*.json", "**/*.safetensors")
VARIABLE = "SMICNB_TEST_SOURCE"
PAGE = 3  # entries of a tree that come at a time


@dataclass
class Store:
    """Where a hub keeps large files, on an address of its own; it behaves as told.

    Args:
        files: by the SHA-256 of what was put there.
        drops: bytes to send before each of the next breaks of the line.
        statuses: the next answers, instead of files.
        ranges: the Range header of each request.
        tokens: the Authorization header of each request.
    """

    files: dict[str, bytes] = field(default_factory=dict, repr=False)
    drops: list[int] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    ranges: list[str | None] = field(default_factory=list)
    tokens: list[str | None] = field(default_factory=list)
    address: str = ""


@dataclass
class Hub:
    """What the hub holds, how it answers for a repository instead, and what it was asked.

    Args:
        repositories: name -> path -> bytes, as they are now.
        answers: repository -> status, or status and the hub's own code of the error.
        moved: repository -> its new name, to which the hub redirects.
        commits: branch or tag -> commit.
        large: bytes from which on a file lies in the store.
        store: where large files are; none: all are the hub's own.
        asked: paths, in order.
    """

    repositories: dict[str, dict[str, bytes]] = field(default_factory=dict)
    answers: dict[str, int | tuple[int, str]] = field(default_factory=dict)
    moved: dict[str, str] = field(default_factory=dict)
    commits: dict[str, str] = field(default_factory=lambda: dict(COMMITS))
    large: int = 1000
    store: Store | None = None
    asked: list[str] = field(default_factory=list)


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_arguments):
        pass

    def do_HEAD(self):
        self.do_GET()

    def answer(self, status: int, body: bytes, headers: dict | None = None):
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)


class _StoreHandler(_Handler):
    def __init__(self, store: Store, *arguments):
        self.store = store
        super().__init__(*arguments)

    def do_GET(self):
        wanted = self.headers.get("Range")
        self.store.ranges.append(wanted)
        self.store.tokens.append(self.headers.get("Authorization"))
        if self.store.statuses:
            self.answer(self.store.statuses.pop(0), b"")
            return
        data = self.store.files[self.path.strip("/")]
        first = int(re.fullmatch(r"bytes=(\d+)-", wanted)[1]) if wanted else 0
        span = {"Content-Range": f"bytes {first}-{len(data) - 1}/{len(data)}"} if wanted else {}
        rest = data[first:]
        if not self.store.drops:
            self.answer(206 if wanted else 200, rest, span)
            return
        self.send_response(206 if wanted else 200)
        for name, value in {"Content-Length": str(len(rest)), **span}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(rest[: self.store.drops.pop(0)])
        self.close_connection = True


class _HubHandler(_Handler):
    def __init__(self, hub: Hub, *arguments):
        self.hub = hub
        super().__init__(*arguments)

    def do_GET(self):
        path, _, query = self.path.partition("?")
        path = path.strip("/")
        self.hub.asked.append(path)
        parts = path.removeprefix("api/models/").split("/")
        name, what, revision = "/".join(parts[:2]), "".join(parts[2:3]), "".join(parts[3:4])
        files, told = self.hub.repositories.get(name), self.hub.answers.get(name)
        if name in self.hub.moved:
            self.answer(307, b"", {"Location": self.path.replace(name, self.hub.moved[name])})
        elif told is not None or files is None:
            status, code = told if isinstance(told, tuple) else (told or 404, "")
            self.answer(status, b"", {"X-Error-Code": code} if code else {})
        elif what in ("", "revision"):
            commit = self.hub.commits.get(revision or "main", revision)
            self.answer(200, json.dumps({"id": name, "sha": commit, "siblings": []}).encode())
        elif what == "tree":
            self._list(files, query)
        else:
            self._resolve(files["/".join(parts[4:])], self.hub.commits.get(revision, revision))

    def _list(self, files: dict[str, bytes], query: str):
        first = int(found[1]) if (found := re.search(r"cursor=(\d+)", query)) else 0
        entries = []
        for path, data in list(files.items())[first : first + PAGE]:
            entry = {"type": "file", "path": path, "size": len(data), "oid": sha1(data).hexdigest()}
            if self._is_stored(data):
                entry["lfs"] = {"oid": sha256(data).hexdigest(), "size": len(data), "pointerSize": 134}
            entries.append(entry)
        address = f"http://{self.headers['Host']}{self.path.partition('?')[0]}?recursive=True&cursor={first + PAGE}"
        more = first + PAGE < len(files)
        self.answer(200, json.dumps(entries).encode(), {"Link": f'<{address}>; rel="next"'} if more else {})

    def _resolve(self, data: bytes, commit: str):
        if not self._is_stored(data):
            self.answer(200, data, {"ETag": f'"{sha1(data).hexdigest()}"', "X-Repo-Commit": commit})
            return
        digest = sha256(data).hexdigest()
        self.hub.store.files.setdefault(digest, data)
        linked = {"X-Linked-Size": str(len(data)), "X-Linked-ETag": f'"{digest}"', "X-Repo-Commit": commit}
        self.answer(302, b"", {"Location": f"{self.hub.store.address}/{digest}", **linked})

    def _is_stored(self, data: bytes) -> bool:
        return self.hub.store is not None and len(data) >= self.hub.large


@contextlib.contextmanager
def serving(hub: Hub) -> Iterator[str]:
    """The address at which the hub answers, and its store, where it has one, at another."""
    with contextlib.ExitStack() as stack:
        if hub.store is not None:
            hub.store.address = stack.enter_context(_listening(partial(_StoreHandler, hub.store)))
        yield stack.enter_context(_listening(partial(_HubHandler, hub)))


@contextlib.contextmanager
def _listening(handler) -> Iterator[str]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
