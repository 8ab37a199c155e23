import os
import pickle
import pickletools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from smicnb.base.errors import IntegrityError
from smicnb.semantics.weights.unpickle import read_arrays


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return tmp_path_factory.mktemp("pickles") / "weights.ckpt"


def read(path, data):
    path.write_bytes(data)
    return read_arrays(path)


class Reduced:
    """Pickled as a call of anything."""

    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


numeric = st.one_of(hnp.integer_dtypes(), hnp.unsigned_integer_dtypes(), hnp.floating_dtypes(sizes=(16, 32, 64)))
arrays = hnp.arrays(numeric | hnp.boolean_dtypes(), hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4))


@settings(deadline=None, max_examples=150)
@given(
    array=arrays,
    fortran=st.booleans(),
    protocol=st.sampled_from([3, 4]),
)
def test_arrays_come_back_bit_by_bit(path, array, fortran, protocol):
    array = np.asfortranarray(array) if fortran else array
    part = array.ravel()[::2]
    tree = read(path, pickle.dumps({"net": {"a": array, "b": part}, "a": array}, protocol))
    assert list(tree) == ["net", "a"]
    for back, original in [(tree["a"], array), (tree["net"]["a"], array), (tree["net"]["b"], part)]:
        assert back.dtype == original.dtype
        assert back.shape == original.shape
        assert back.tobytes() == original.tobytes()


def test_the_name_that_numpy_2_writes_is_known(path):
    array = np.arange(6.0).reshape(2, 3)
    data = pickle.dumps({"a": array}, 3)
    other = {b"cnumpy.core.multiarray\n": b"cnumpy._core.multiarray\n"}
    other |= {new: old for old, new in other.items()}
    for name, renamed in other.items():
        if name in data:
            data = data.replace(name, renamed)
            break
    np.testing.assert_array_equal(read(path, data)["a"], array)


def test_a_command_in_a_pickle_is_refused_and_not_run(path, tmp_path):
    trace = tmp_path / "trace"
    data = pickle.dumps({"a": Reduced(os.system, f"touch {trace}")})
    with pytest.raises(IntegrityError) as caught:
        read(path, data)
    assert str(caught.value) == (
        "weights.ckpt holds what is not admitted: 'posix.system'; "
        "needed: a pickle of named numpy arrays and nothing else; do not use this file"
    )
    assert not trace.exists()
    pickle.loads(data)  # the same bytes do run where they are trusted
    assert trace.exists()


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ({"a": Reduced(eval, "1 + 1")}, "'builtins.eval'"),
        ({"a": Reduced(getattr, "a", "join")}, "'builtins.getattr'"),
        ({"a": np.array([print], dtype=object)}, "arrays of 'O8'"),
        ({"a": np.array(["text"])}, "arrays of 'U4'"),
        ({"a": np.zeros(2, dtype=[("x", "f4")])}, "arrays of 'V4'"),
        ({"a": Reduced(np.ndarray, (10**12,))}, "a direct call of ndarray"),
        ({"a": Reduced(np.fromfile, "x")}, "'numpy.fromfile'"),
        ({"a": [1, 2]}, "a list where an array or named arrays belong"),
        ({"a": "text"}, "a str where"),
        ({1: np.zeros(2)}, "a dict where"),
        ({"a": np.ndarray}, "a _StandIn where"),
        ({"a": np.dtype("f4")}, "a _Dtype where"),
        (np.zeros(2), "a lone array"),
    ],
)
def test_anything_but_named_numeric_arrays_is_refused(path, value, words):
    with pytest.raises(IntegrityError) as caught:
        read(path, pickle.dumps(value, 3))
    assert words in str(caught.value)


def stream(*opcodes):
    return b"\x80\x03" + b"".join(opcodes) + b"."


ARRAY = b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85C\x01b\x87R"
FLOAT32 = b"cnumpy\ndtype\nX\x02\x00\x00\x00f4\x89\x88\x87R"
FLOAT32 += b"(K\x03X\x01\x00\x00\x00<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"


def array_of(shape, data):
    return ARRAY + b"(K\x01" + shape + FLOAT32 + b"\x89" + data + b"tb"


@pytest.mark.parametrize(
    ("opcodes", "words"),
    [
        (
            b"}X\x01\x00\x00\x00a" + array_of(b"J\xff\xff\xff\xff\x85", b"C\x04\x00\x00\x80?") + b"s",
            "an array of shape (-1,)",
        ),
        (b"}X\x01\x00\x00\x00a" + array_of(b"K\x02\x85", b"C\x04\x00\x00\x80?") + b"s", "cannot reshape"),
        (b"}X\x01\x00\x00\x00a" + ARRAY + b"s", "value"),  # never filled
        (b"cnumpy\ndtype\n}X\x05\x00\x00\x00_makeNsb", "a state for a name"),
        (b"}q\x00X\x01\x00\x00\x00ah\x00s", "a dict where"),  # contains itself
        (b"", ""),
        (b"Pfile\n", "persistent"),
        (b"}r\xff\xff\xff\x7f", "memo entry 2147483647 at byte 3"),
    ],
    ids=["negative", "too-short", "unfilled", "state-of-a-name", "endless", "empty", "persistent", "memo"],
)
def test_streams_made_by_hand_are_refused(path, opcodes, words):
    with pytest.raises(IntegrityError) as caught:
        read(path, stream(opcodes))
    assert words in str(caught.value)


def test_the_streams_made_by_hand_are_right_but_for_what_they_test(path):
    good = stream(b"}X\x01\x00\x00\x00a", array_of(b"K\x01\x85", b"C\x04\x00\x00\x80?"), b"s")
    assert {op.name for op, _, _ in pickletools.genops(good)} >= {"GLOBAL", "REDUCE", "BUILD"}
    assert read(path, good)["a"].tolist() == [1.0]


@settings(deadline=None, max_examples=300)
@given(data=st.data())
def test_a_damaged_pickle_gives_arrays_or_an_error_and_nothing_else(path, data):
    whole = bytearray(pickle.dumps({"net": {"kernel": np.arange(6, dtype="f4").reshape(2, 3)}}, 3))
    for _ in range(data.draw(st.integers(1, 3))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(whole)))
    try:
        tree = read(path, bytes(whole[: cut if data.draw(st.booleans()) else len(whole)]))
    except IntegrityError:
        return
    assert isinstance(tree, dict)
