"""Many photographs to one file: the same bytes whoever encodes them, and after any kill."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from dataclasses import replace

import dask
import distributed  # noqa: F401 (whose settings have to be there before one of them is changed for a while)
import numpy as np
import pytest
from PIL import Image
from plain_encoder import Plain
from real_photographs import own_cache, save, smicnb

from smicnb.base.errors import ImageError
from smicnb.base.files import sha256_file
from smicnb.base.work import executors
from smicnb.codec import photographs
from smicnb.codec.format import container
from smicnb.codec.format.reader import SmicReader
from smicnb.semantics.encoders import encoders
from smicnb.semantics.photographs import image_collections, images

COUNT, BLOCK, DAMAGED = 40, 16, (3, 17, 18, 40)  # of 44 files
POINT = {"n_atoms": 16, "penalty": 0.2, "b_dict": 8, "b_coef": 8}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Small photographs of several formats and depths of folders, a tenth of them damaged."""
    folder = tmp_path_factory.mktemp("many")
    items = image_collections.load("embedded").items[: 2 * (COUNT + len(DAMAGED)) : 2]
    for number, item in enumerate(items):
        path = folder / str(number % 3) / f"{number}.{('jpg', 'png')[number % 5 == 0]}"
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(item.image()).resize((150 + number, 120)).save(path)
        if number in DAMAGED:
            path.write_bytes(path.read_bytes()[: -path.stat().st_size // 4])
    return folder


@contextlib.contextmanager
def compressed(folder, place, executor=None, **parameters):
    """The bytes of the folder's file, made with a cache of its own, and what is said of it."""
    with own_cache(place):
        target = place / "a.smic"
        said, _ = photographs.compress(str(folder), target, "lite0-minilm", executor=executor, **POINT | parameters)
        yield target.read_bytes(), said


@pytest.fixture(scope="module")
def alone(folder, tmp_path_factory):
    with compressed(folder, tmp_path_factory.mktemp("alone")) as data:
        return data


@pytest.fixture
def busy_port():
    """Dask's usual port for its web pages has a user already, such as a second cluster of this machine."""
    with socket.socket() as user:
        with contextlib.suppress(OSError):
            user.bind(("", 8787))
            user.listen()
        yield


def count_threads():
    import torch

    return os.getpid(), torch.get_num_threads()


@pytest.mark.parametrize(("jobs", "scheduler"), [(2, None), (4, None), (2, "")])
def test_the_file_is_the_same_whoever_encodes(jobs, scheduler, folder, alone, tmp_path, monkeypatch, busy_port):
    monkeypatch.setattr(encoders, "BLOCK", BLOCK)
    monkeypatch.setattr(executors, "count_cores", lambda: 2)
    with dask.config.set({"distributed.scheduler.allowed-failures": 0}), executors.hire(jobs, scheduler) as hired:
        hired.submit(count_threads).result()
        monkeypatch.chdir(folder.parent)  # where workers of a cluster are not
        with compressed(folder.name, tmp_path, hired) as data:
            assert data == alone
        assert alone[1].endswith("; 4 files skipped (truncated or damaged: 4)")
        threads = dict(future.result() for future in [hired.submit(count_threads) for _ in range(8)])
    assert os.getpid() not in threads
    assert set(threads.values()) == {max(1, 2 // jobs)}  # two jobs on two cores are two cores


def test_one_job_without_a_cluster_is_here_and_now():
    with executors.hire(None) as first, executors.hire(1) as second:
        assert (first, second) == (None, None)


def test_commands_take_jobs(folder, tmp_path):
    with own_cache(tmp_path / "cache"):
        assert smicnb("compress", folder / "0", tmp_path / "a.smic", "--atoms", "4", "--jobs", "1").status == 0
        answer = smicnb("append", tmp_path / "a.smic", folder / "1", "--jobs", "2")
        assert answer.out.startswith(f"{tmp_path / 'a.smic'}: 27 images")
        for command in (("compress", folder, tmp_path / "b.smic"), ("append", tmp_path / "a.smic", folder)):
            answer = smicnb(*command, "--scheduler", "tcp://127.0.0.1:9")
            assert (answer.status, "needed: --executor dask with it" in answer.err) == (2, True)
            answer = smicnb(*command, "--executor", "dask", "--scheduler", "tcp://127.0.0.1:9")
            assert (answer.status, "no Dask scheduler answers at" in answer.err) == (2, True)


# --- one pass ---------------------------------------------------------------------------------------

watchers: list = []
sys.addaudithook(lambda event, given: [watch(given[0]) for watch in watchers] if event == "open" else None)


@pytest.fixture
def opened():
    """Names of the files that are opened, each time."""
    names = []
    watchers.append(lambda path: names.append(os.path.basename(path)) if isinstance(path, str | os.PathLike) else None)
    yield names
    watchers.clear()


def test_a_photograph_is_opened_once_and_decoded_once_in_its_life(folder, tmp_path, opened, monkeypatch):
    decoded, decode = [], images.to_rgb
    monkeypatch.setattr(images, "to_rgb", lambda picture: decoded.append(picture.size) or decode(picture))
    names = sorted(path.name for path in folder.rglob("*.*"))
    with own_cache(tmp_path):
        for again in range(2):
            opened.clear()
            photographs.compress(str(folder), tmp_path / "a.smic", "lite0-minilm", **POINT)
            assert sorted(name for name in opened if name in names) == names
            assert len(decoded) == len(names) + len(DAMAGED) * again  # what is damaged is seen to be so each time


@pytest.fixture(scope="module")
def odd(folder, tmp_path_factory):
    """Photographs, and files that are damaged, no photographs, copies, animated, sideways or reduced."""
    odd = tmp_path_factory.mktemp("odd")
    paths = sorted(path for path in folder.rglob("*.*") if int(path.stem) not in DAMAGED)
    for number, path in enumerate(paths[:12]):
        (odd / f"{number:02}{path.suffix}").write_bytes(path.read_bytes())
    for number in (2, 5, 7):
        path = odd / f"{number:02}{paths[number].suffix}"
        path.write_bytes(path.read_bytes()[: -path.stat().st_size // 3])
    (odd / "copy.jpg").write_bytes(paths[0].read_bytes())
    (odd / "text.jpg").write_bytes(b"no photograph")
    (odd / "empty.png").write_bytes(b"")
    (odd / "camera.cr2").write_bytes(b"II*\0" + bytes(50))
    (odd / "gone.jpg").symlink_to("nowhere")
    (odd / "folder.jpg").mkdir()
    Image.new("RGB", (12, 12)).save(odd / "small.png")
    frames = [Image.open(path).convert("RGB").resize((60, 60)) for path in paths[12:15]]
    frames[0].save(odd / "frames.gif", save_all=True, append_images=frames[1:])
    frames[1].save(odd / "pages.tif", save_all=True, append_images=frames[2:])
    Image.open(paths[15]).convert("RGB").resize((2900, 1833)).save(odd / "large.jpg")
    save(np.array(Image.open(paths[16]).convert("RGB")), odd / "sideways.jpg", 90, 6)
    return odd


def test_one_pass_finds_what_looking_through_encoding_and_measuring_find(odd, tmp_path):
    encoder = encoders.encoder("lite0-minilm")
    with own_cache(tmp_path / "three"):
        loaded = image_collections.load(f"folder:{odd}")
        items = tuple(sorted(loaded, key=lambda item: item.id))
        latents = encoders.encode_collection(encoder, replace(loaded, items=items))
        sizes = [photographs.measure_size(item) for item in items]
    assert len(items) == 13
    with own_cache(tmp_path / "one"):
        for _ in range(2):  # the second time nothing is decoded
            found = photographs.photographs(str(odd), encoder)
            assert (found.summary, found.left_out) == (loaded.summary(), loaded.left_out)
            assert (found.names, found.sizes) == ([item.id for item in items], sizes)
            assert found.latents.tobytes() == latents.tobytes()


def test_a_killed_pass_knows_notes_and_reasons_again(odd, tmp_path):
    """Latents are kept as they are made, what else is known of the files of a folder at the end."""
    with own_cache(tmp_path):
        first = photographs.photographs(str(odd), encoders.encoder("lite0-minilm"))
        for remembered in (tmp_path / "smicnb" / "image-verdicts").iterdir():
            remembered.unlink()
        assert photographs.photographs(str(odd), encoders.encoder("lite0-minilm")).summary == first.summary


def test_a_file_that_changes_between_two_looks_is_what_was_read(tmp_path):
    """Hash, pixels and size are those of one reading: what a cache keeps under a hash belongs to it."""
    pictures = [Image.new("RGB", (40 + n, 30), color) for n, color in enumerate(("red", "green"))]
    path = tmp_path / "a.png"
    pictures[0].save(path)

    def change(digest):
        pictures[1].save(path)
        return False

    found = images.read_once(path, 224, change)
    assert found.size == (40, 30)
    assert (found.pixels == np.array(pictures[0])).all()
    assert found.sha256 != sha256_file(path)


def test_a_file_too_large_to_be_held_is_read_through_one_handle(folder, tmp_path, monkeypatch, opened):
    path = max(folder.rglob("*.png"), key=lambda path: path.stat().st_size)
    held = images.read_once(path, 224, lambda _: False)
    monkeypatch.setattr(images, "HELD", 100)
    opened.clear()
    found = images.read_once(path, 224, lambda _: False)
    assert opened.count(path.name) == 1
    assert found.sha256 == held.sha256 == sha256_file(path)
    assert (found.pixels == held.pixels).all()


# --- what becomes of files while they are read ------------------------------------------------------

HOLDER = """
# Holds a file so that whoever opens it has to wait, as for a disk that does not answer.
import fcntl, signal, sys
signal.signal(signal.SIGIO, signal.SIG_IGN)  # asked to let go, it does not
file = open(sys.argv[1], "r+b")
try:
    fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_WRLCK)
except (AttributeError, OSError) as error:
    sys.exit(str(error))
print("held", flush=True)
sys.stdin.read()
"""


@pytest.mark.skipif(sys.platform != "linux", reason="needs leases on files")
def test_a_file_that_does_not_answer_is_given_up_counted_and_read_the_next_time(folder, tmp_path, monkeypatch):
    paths = sorted((folder / "1").iterdir())[:6]
    own = tmp_path / "photos"
    own.mkdir()
    for path in paths:
        (own / path.name).write_bytes(path.read_bytes())
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    holder = subprocess.Popen([sys.executable, "-c", HOLDER, str(own / paths[2].name)], text=True, **pipes)
    with own_cache(tmp_path / "cache"), holder:
        if holder.stdout.readline() != "held\n":
            pytest.skip(f"the file system gives no leases: {holder.stderr.read().strip()}")
        monkeypatch.setattr(images, "STALL", 3)
        found = photographs.photographs(str(own), Plain())
        assert "1 file skipped (not read within 60 seconds: 1)" in found.summary
        assert found.left_out == ((paths[2].name, images.STALLED),)
        assert found.names == [path.name for path in paths if path != paths[2]]
        holder.stdin.close()
        holder.wait(60)
        monkeypatch.undo()
        assert photographs.photographs(str(own), Plain()).names == [path.name for path in paths]


FOLDER_HOLDER = """
# Holds a folder so that whoever opens it has to wait, as for a server that does not answer.
import ctypes, os, sys
FAN_CLASS_CONTENT, FAN_MARK_ADD, FAN_OPEN_PERM, FAN_ONDIR, AT_FDCWD = 4, 1, 0x10000, 0x40000000, -100
libc = ctypes.CDLL(None, use_errno=True)
libc.fanotify_mark.argtypes = [ctypes.c_int, ctypes.c_uint, ctypes.c_uint64, ctypes.c_int, ctypes.c_char_p]
watch = libc.fanotify_init(FAN_CLASS_CONTENT, os.O_RDONLY)
path = os.fsencode(sys.argv[1])
if watch < 0 or libc.fanotify_mark(watch, FAN_MARK_ADD, FAN_OPEN_PERM | FAN_ONDIR, AT_FDCWD, path) < 0:
    sys.exit(os.strerror(ctypes.get_errno()))
print("held", flush=True)
sys.stdin.read()
"""


@pytest.mark.skipif(sys.platform != "linux", reason="needs fanotify")
@pytest.mark.parametrize("held", ["photos/b", "photos"])
def test_a_folder_that_does_not_answer_is_given_up_counted_and_named(folder, tmp_path, monkeypatch, held):
    own, paths = tmp_path / "photos", sorted((folder / "1").iterdir())[:4]
    for path, part in zip(paths, "aabc", strict=True):
        (own / part).mkdir(parents=True, exist_ok=True)
        (own / part / path.name).write_bytes(path.read_bytes())
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    holder = subprocess.Popen([sys.executable, "-c", FOLDER_HOLDER, str(tmp_path / held)], text=True, **pipes)
    with own_cache(tmp_path / "cache"), holder:
        if holder.stdout.readline() != "held\n":
            pytest.skip(f"no folder can be held, which root may where the kernel does: {holder.stderr.read().strip()}")
        monkeypatch.setattr(images, "STALL", 2)
        try:
            if held == "photos":
                with pytest.raises(ImageError, match=r"as a folder \(not read within 60 seconds"):
                    photographs.photographs(str(own), Plain())
                return
            found = photographs.photographs(str(own), Plain())
        finally:
            holder.stdin.close()
            holder.wait(60)
        assert found.left_out == (("b", "folder not read within 60 seconds"),)
        assert "1 file skipped (folder not read within 60 seconds: 1)" in found.summary
        assert [name.partition("/")[0] for name in found.names] == ["a", "a", "c"]
        monkeypatch.undo()
        assert len(photographs.photographs(str(own), Plain()).names) == 4


def test_a_folder_that_changes_while_it_is_read_is_what_was_listed_and_is_still_there(folder, tmp_path, monkeypatch):
    own, paths = tmp_path / "photos", sorted((folder / "1").iterdir())[:8]
    for path, part in zip(paths, "aaaabbcc", strict=True):
        (own / part).mkdir(parents=True, exist_ok=True)
        (own / part / path.name).write_bytes(path.read_bytes())
    encoder, square, turn = Plain(), Plain.square, threading.Lock()

    def change(self, image):
        with turn:  # threads read ahead: the one that comes first makes the change, the others find it made
            if not (own / "new").exists():  # at the first photograph; a few that follow it are read by then
                (own / "new").mkdir()
                (own / "new" / "late.jpg").write_bytes(paths[0].read_bytes()[:-1])
                (own / "b").rename(own / "moved")
                (own / "c" / paths[7].name).unlink()
        return square(self, image)

    monkeypatch.setattr(encoders, "BLOCK", 1)
    monkeypatch.setattr(Plain, "square", change)
    with own_cache(tmp_path / "cache"):
        found = photographs.photographs(str(own), encoder)
        assert "3 files skipped (no longer readable: 3)" in found.summary
        gone = [f"b/{paths[4].name}", f"b/{paths[5].name}", f"c/{paths[7].name}"]
        assert found.left_out == tuple((name, images.GONE) for name in gone)
        assert found.names == [*(f"a/{path.name}" for path in paths[:4]), f"c/{paths[6].name}"]


# --- what ends a run, and what comes after ----------------------------------------------------------

KILLED = """
# Runs compress in processes that end themselves by SIGKILL before one of the latents is kept, one after the other.
import json, os, pathlib, signal, sys
from plain_encoder import Plain
from smicnb.base.cache import ArrayCache
from smicnb.codec import photographs
from smicnb.semantics.encoders import encoders

folder, target, point, moments, encoders.BLOCK = json.loads(sys.argv[1])
encoders.encoder = lambda name: Plain()
put, kept = ArrayCache.put, []

def watch(cache, *given):
    kept.append(given)
    if len(kept) == moment:
        os.kill(os.getpid(), signal.SIGKILL)
    put(cache, *given)

ArrayCache.put = watch
for moment in moments:
    child = os.fork()
    if not child:
        photographs.compress(folder, pathlib.Path(target), "plain", **point)
        os._exit(0)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs processes that are forked")
def test_a_compress_that_is_killed_ten_times_goes_on_with_what_was_encoded(folder, tmp_path, monkeypatch):
    moments, encode, encoded = (1, 2, 3, 4, 5, 6, 7, 1, 3, 8), Plain.encode_images, []
    point, targets = POINT | {"n_atoms": 2}, [tmp_path / "a.smic", tmp_path / "b.smic"]
    with own_cache(tmp_path):
        words = json.dumps([str(folder), str(targets[0]), point, moments, 8])
        run = subprocess.run(
            [sys.executable, "-c", KILLED, words],
            capture_output=True,
            stdin=subprocess.DEVNULL,
            text=True,
            timeout=900,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        )
        assert run.stdout.split() == [str(-signal.SIGKILL)] * 10, run.stderr

        def count(encoder, images, done=None):
            latents = encode(encoder, images, done)
            encoded.extend(latents)
            return latents

        monkeypatch.setattr(Plain, "encode_images", count)
        monkeypatch.setattr(encoders, "encoder", lambda name: Plain())
        photographs.compress(str(folder), targets[0], "plain", **point)
    assert len(encoded) == COUNT - sum(moment - 1 for moment in moments)
    assert not list((tmp_path / "smicnb" / "spool").iterdir())
    with own_cache(tmp_path / "alone"):
        photographs.compress(str(folder), targets[1], "plain", **point)
    assert targets[0].read_bytes() == targets[1].read_bytes()


def test_a_command_whose_workers_are_at_work_is_killed_and_goes_on(folder, alone, tmp_path):
    words = ["compress", folder, tmp_path / "a.smic", "--atoms", 16, "--penalty", 0.2, "--b-dict", 8, "--b-coef", 8]
    words = ["-c", "from smicnb.cli.main import main; main()", *map(str, words), "--jobs", "2"]
    with own_cache(tmp_path):
        kept = tmp_path / "smicnb" / "latents"
        command = subprocess.Popen(
            [sys.executable, *words], stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        )
        while not (found := list(kept.rglob("*.npy"))):
            assert command.poll() is None, command.stderr.read()
            time.sleep(0.05)
        command.kill()
        command.communicate()  # comes to an end when the workers, too, have closed the pipe
        photographs.compress(str(folder), tmp_path / "a.smic", "lite0-minilm", **POINT)
    assert found
    assert (tmp_path / "a.smic").read_bytes() == alone[0]


def test_a_second_run_on_one_target_is_told(folder, tmp_path, monkeypatch):
    target, find = tmp_path / "a.smic", photographs.photographs

    def slow(*arguments):
        answers.append(smicnb("compress", folder / "0", target))
        answers.append(smicnb("compress", folder / "0", target, "--quality", "0.8"))
        return find(*arguments)

    answers: list = []
    monkeypatch.setattr(photographs, "photographs", slow)
    with own_cache(tmp_path / "cache"):
        photographs.compress(str(folder / "0"), target, "lite0-minilm", **POINT)
        for answer in answers:
            assert (answer.status, answer.out) == (2, "")
            assert answer.err == f"smicnb: another run is at work on '{target}'; wait for it to end, or name another\n"
        monkeypatch.undo()
        assert smicnb("compress", folder / "0", target, "--force", "--atoms", "4").status == 0


@pytest.fixture
def full_disk():
    """Files can be no longer than a number of bytes, as if the disk had no more of them."""
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    yield lambda most: resource.setrlimit(resource.RLIMIT_FSIZE, (most, before[1]))
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_disk_that_is_full_at_the_last_block_loses_nothing(folder, tmp_path, monkeypatch, full_disk):
    target, create, add = tmp_path / "a.smic", container.create, container.append
    with own_cache(tmp_path / "cache"):
        photographs.compress(str(folder / "0"), target, "lite0-minilm", **POINT)
        whole, files = target.read_bytes(), sorted(os.listdir(tmp_path))

        def fill(*arguments, **keywords):
            full_disk(len(whole) // 2)
            create(*arguments, **keywords)

        monkeypatch.setattr(container, "create", fill)
        answer = smicnb("compress", folder / "0", target, "--force", "--atoms", "16", "--b-dict", "8")
        assert (answer.status, answer.err) == (2, f"smicnb: File too large ('{target}')\n")
        assert (target.read_bytes(), sorted(os.listdir(tmp_path))) == (whole, files)
        monkeypatch.undo()

        def fill_behind(*arguments):
            full_disk(len(whole) + 60)
            add(*arguments)

        full_disk(-1)
        monkeypatch.setattr(container, "append", fill_behind)
        answer = smicnb("append", target, folder / "1")
        assert (answer.status, answer.err) == (2, f"smicnb: File too large ('{target}')\n")
        full_disk(-1)
        monkeypatch.undo()
        with SmicReader(target) as opened:
            assert (len(opened), opened.file.unfinished) == (13, 60)
        assert smicnb("append", target, folder / "1").out.startswith(f"{target}: 27 images")
