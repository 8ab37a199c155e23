import os
import stat

import numpy as np
import pytest

from smicnb.base.files import atomic_path, sha256_array, sha256_json, write_bytes, write_json


def test_atomic_path_replaces_only_on_success(tmp_path):
    target = tmp_path / "deep" / "file.txt"
    write_bytes(target, b"old")

    def interrupted():
        with atomic_path(target) as temporary:
            temporary.write_bytes(b"half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        interrupted()
    assert target.read_bytes() == b"old"
    assert [file.name for file in target.parent.iterdir()] == ["file.txt"]


def test_atomic_path_keeps_the_suffix_and_makes_ordinary_permissions(tmp_path):
    target = tmp_path / "a.png"
    old = os.umask(0o022)
    try:
        with atomic_path(target) as temporary:
            assert temporary.suffix == ".png"
            temporary.write_bytes(b"x")
    finally:
        os.umask(old)
    assert stat.S_IMODE(target.stat().st_mode) == 0o644


def test_equal_bytes_leave_the_file_untouched(tmp_path):
    target = tmp_path / "a"
    write_bytes(target, b"same")
    os.utime(target, ns=(1, 1))
    write_bytes(target, b"same")
    assert target.stat().st_mtime_ns == 1
    write_bytes(target, b"else")
    assert target.stat().st_mtime_ns != 1


def test_json_is_strict(tmp_path):
    with pytest.raises(ValueError, match="Out of range"):
        write_json(tmp_path / "a.json", {"x": float("nan")})
    assert not (tmp_path / "a.json").exists()


def test_hash_of_json_ignores_the_order_of_keys_only():
    assert sha256_json({"a": 1, "b": [1, 2]}) == sha256_json({"b": [1, 2], "a": 1})
    assert sha256_json([1, 2]) != sha256_json([2, 1])


def test_arrays_differ_by_type_shape_and_values_alone():
    array = np.arange(6.0)
    others = [array.astype(np.float32), array.reshape(2, 3), -array, array.view(np.int64)]
    assert len({sha256_array(some) for some in [array, *others]}) == 5
    assert sha256_array(np.arange(12.0)[::2] / 2) == sha256_array(array)
