import os
import time

from smicnb.base import cache
from smicnb.base.files import sha256_file


def test_a_large_file_is_read_once_and_again_when_it_changed(tmp_path, fresh_cache, monkeypatch):
    path = tmp_path / "large"
    path.write_bytes(bytes(cache.LARGE))
    read = []
    monkeypatch.setattr(cache, "sha256_file", lambda path: read.append(path) or sha256_file(path))
    first = cache.sha256_of(path)
    monkeypatch.setattr(cache, "SETTLED", 0)
    assert [cache.sha256_of(path) for _ in range(3)] == [first] * 3
    assert len(read) == 2  # the first time it was too new to be trusted
    time.sleep(0.05)
    before = path.stat()
    with path.open("r+b") as file:
        file.write(b"\1")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))  # who sets the time back changes another one
    assert cache.sha256_of(path) == sha256_file(path) != first


def test_a_small_file_and_a_cache_that_cannot_be_written(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    monkeypatch.setattr(cache, "SETTLED", 0)
    for name, size in (("small", 3), ("large", cache.LARGE)):
        (tmp_path / name).write_bytes(bytes(size))
        time.sleep(0.05)
        assert cache.sha256_of(tmp_path / name) == sha256_file(tmp_path / name)
