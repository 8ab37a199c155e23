import errno
import os
import stat

import numpy as np
import pytest

from smicnb.base import files
from smicnb.base.errors import SmicnbError


def test_atomic_path_replaces_only_on_success(tmp_path):
    target = tmp_path / "deep" / "file.txt"
    files.write_bytes(target, b"old")

    def interrupted():
        with files.atomic_path(target) as temporary:
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
        with files.atomic_path(target) as temporary:
            assert temporary.suffix == ".png"
            temporary.write_bytes(b"x")
    finally:
        os.umask(old)
    assert stat.S_IMODE(target.stat().st_mode) == 0o644


def test_equal_bytes_leave_the_file_untouched(tmp_path):
    target = tmp_path / "a"
    files.write_bytes(target, b"same")
    os.utime(target, ns=(1, 1))
    files.write_bytes(target, b"same")
    assert target.stat().st_mtime_ns == 1
    files.write_bytes(target, b"else")
    assert target.stat().st_mtime_ns != 1


def test_json_is_strict(tmp_path):
    with pytest.raises(ValueError, match="Out of range"):
        files.write_json(tmp_path / "a.json", {"x": float("nan")})
    assert not (tmp_path / "a.json").exists()


def test_hash_of_json_ignores_the_order_of_keys_only():
    assert files.sha256_json({"a": 1, "b": [1, 2]}) == files.sha256_json({"b": [1, 2], "a": 1})
    assert files.sha256_json([1, 2]) != files.sha256_json([2, 1])


def test_arrays_differ_by_type_shape_and_values_alone():
    array = np.arange(6.0)
    others = [array.astype(np.float32), array.reshape(2, 3), -array, array.view(np.int64)]
    assert len({files.sha256_array(some) for some in [array, *others]}) == 5
    assert files.sha256_array(np.arange(12.0)[::2] / 2) == files.sha256_array(array)


# --- what stands at the target ----------------------------------------------------------------------

links = pytest.mark.skipif(os.name == "nt", reason="links, modes and pipes as POSIX has them")


@links
def test_a_link_stays_and_what_it_leads_to_is_written(tmp_path):
    (tmp_path / "there").mkdir()
    far, near, first = tmp_path / "there" / "far.txt", tmp_path / "near.txt", tmp_path / "first.txt"
    far.write_bytes(b"old")
    near.symlink_to("there/far.txt")
    first.symlink_to(near)
    files.write_bytes(first, b"new")
    assert (first.is_symlink(), near.is_symlink(), far.is_symlink()) == (True, True, False)
    assert far.read_bytes() == b"new"
    assert sorted(os.listdir(tmp_path)) == ["first.txt", "near.txt", "there"]
    assert os.listdir(tmp_path / "there") == ["far.txt"]


@links
@pytest.mark.parametrize("one_disk", [True, False])
def test_a_finished_file_is_moved_to_where_a_link_leads(tmp_path, monkeypatch, one_disk):
    made, far, near = (tmp_path / name for name in ("made", "far", "near"))
    made.write_bytes(b"new")
    far.write_bytes(b"old")
    far.chmod(0o600)
    near.symlink_to(far)
    replace = os.replace

    def crossing(source, target):
        if source == made and not one_disk:
            raise OSError(errno.EXDEV, "Invalid cross-device link")
        replace(source, target)

    monkeypatch.setattr(os, "replace", crossing)
    files.move(made, near)
    assert (near.is_symlink(), far.read_bytes(), stat.S_IMODE(far.stat().st_mode)) == (True, b"new", 0o600)


@links
@pytest.mark.parametrize("mode", [0o600, 0o640, 0o755, 0o444])
def test_a_file_keeps_its_mode(tmp_path, mode):
    target = tmp_path / "a.png"
    target.write_bytes(b"old")
    target.chmod(mode)
    files.write_bytes(target, b"new")
    assert (target.read_bytes(), stat.S_IMODE(target.stat().st_mode)) == (b"new", mode)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root gives files away")
def test_a_file_keeps_its_owner(tmp_path):
    target = tmp_path / "a"
    target.write_bytes(b"old")
    os.chown(target, 1234, 2345)
    files.write_bytes(target, b"new")
    assert (target.stat().st_uid, target.stat().st_gid) == (1234, 2345)


@links
def test_a_dangling_link_is_written_through_where_a_file_can_be(tmp_path):
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "later")
    with pytest.raises(SmicnbError, match="exists already"):
        files.check_target(link, force=False)
    with pytest.raises(SmicnbError, match="exists already"), files.atomic_path(link, new=True) as temporary:
        temporary.write_bytes(b"x")
    assert not (tmp_path / "later").exists()
    files.write_bytes(link, b"x")
    assert link.is_symlink()
    assert (tmp_path / "later").read_bytes() == b"x"
    lost = tmp_path / "lost"
    lost.symlink_to(tmp_path / "no" / "where")
    for write in (files.check_target, lambda target: files.write_bytes(target, b"x")):
        with pytest.raises(SmicnbError, match=r"is a link to '.*where', whose folder is not there"):
            write(lost)
    assert sorted(os.listdir(tmp_path)) == ["later", "link", "lost"]
    assert lost.is_symlink()


@links
@pytest.mark.parametrize("kind", ["pipe", "link to a pipe", "folder"])
def test_what_is_no_file_is_left_as_it_is(tmp_path, kind):
    target = tmp_path / "a.smic"
    if kind == "folder":
        target.mkdir()
    else:
        os.mkfifo(tmp_path / "pipe" if "link" in kind else target)
        if "link" in kind:
            target.symlink_to(tmp_path / "pipe")
    before = target.stat(), sorted(os.listdir(tmp_path))
    for write in (files.check_target, lambda target: files.write_bytes(target, b"x")):
        with pytest.raises(SmicnbError, match="is a folder" if kind == "folder" else "is no regular file but a pipe"):
            write(target)
    assert (target.stat(), sorted(os.listdir(tmp_path))) == before


def test_a_new_file_replaces_nothing_not_even_what_came_meanwhile(tmp_path, monkeypatch):
    target = tmp_path / "a"

    def late():
        with files.atomic_path(target, new=True) as temporary:
            temporary.write_bytes(b"mine")
            target.write_bytes(b"another's")

    for linked in (True, False):
        if not linked:  # as file systems without hard links have it
            monkeypatch.setattr(os, "link", lambda *_: (_ for _ in ()).throw(PermissionError(1, "not permitted")))
        with pytest.raises(SmicnbError, match="exists already: it was made meanwhile; name another file, or say"):
            late()
        assert target.read_bytes() == b"another's"
        target.unlink()
        files.write_bytes(target, b"mine", new=True)
        assert target.read_bytes() == b"mine"
        assert os.listdir(tmp_path) == ["a"]
        target.unlink()


def test_errors_of_the_system_name_the_target(tmp_path, monkeypatch):
    def refuses(*_, **__):
        raise PermissionError(13, "Permission denied", str(tmp_path / ".a-secret"))

    for module, name in ((os, "replace"), (files.tempfile, "mkstemp")):
        with monkeypatch.context() as patch:
            patch.setattr(module, name, refuses)
            with pytest.raises(PermissionError) as caught:
                files.write_bytes(tmp_path / "a", b"x")
            assert caught.value.filename == str(tmp_path / "a")
    assert os.listdir(tmp_path) == []


def test_a_name_of_any_length_that_a_folder_holds_can_be_written(tmp_path):
    files.write_bytes(tmp_path / ("é" * 125 + ".txt"), b"x")
    assert len(os.listdir(tmp_path)) == 1


def test_a_folder_is_tried_and_left_as_it_was(tmp_path, monkeypatch):
    (tmp_path / "file").write_bytes(b"")
    files.check_folder(tmp_path / "new" / "deep")
    files.check_target(tmp_path / "new" / "deep" / "a.txt", force=False)
    assert os.listdir(tmp_path) == ["file"]
    for above in (tmp_path / "file", tmp_path / "file" / "deep"):
        with pytest.raises(SmicnbError, match=r"'.*file' is no folder; needed: a folder to write to"):
            files.check_folder(above)

    def refuses(**_):
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(files.tempfile, "TemporaryFile", refuses)
    with pytest.raises(SmicnbError, match=r"cannot write to '.*new' \(Read-only file system\)"):
        files.check_target(tmp_path / "new" / "a.txt")


def test_the_key_of_sources_knows_the_modules_of_folders_within(tmp_path):
    (tmp_path / "inner").mkdir()
    (tmp_path / "a.py").write_text("A = 1\n")
    (tmp_path / "inner" / "a.py").write_text("A = 1\n")
    (tmp_path / "notes.txt").write_text("no source")
    before = files.sha256_sources(tmp_path)
    assert list(before) == ["a.py", "inner/a.py"]
    (tmp_path / "inner" / "a.py").write_text("A = 2\n")
    assert files.sha256_sources(tmp_path)["a.py"] == before["a.py"]
    assert files.sha256_sources(tmp_path)["inner/a.py"] != before["inner/a.py"]
