"""A result is recalled for arrays that hold the same, and for no others."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from smicnb.base.work.recall import recall_by_content


@pytest.fixture
def counted():
    calls = []

    @recall_by_content(2)
    def total(array, factor=1):
        """What it is."""
        calls.append(array)
        return factor * array.sum(axis=0), factor

    return total, calls


def test_equal_arrays_are_worked_on_once(counted):
    total, calls = counted
    first = total(np.arange(6.0).reshape(2, 3), 2)
    assert total(np.arange(6.0).reshape(2, 3), 2) is first
    assert total(np.asfortranarray(np.arange(6.0).reshape(2, 3)), 2) is first
    assert len(calls) == 1
    assert total.__doc__ == "What it is."


@pytest.mark.parametrize(
    "other",
    [np.arange(6.0).reshape(3, 2), np.arange(6, dtype=np.float32).reshape(2, 3), np.arange(1, 7.0).reshape(2, 3)],
)
def test_another_shape_type_or_value_is_another_array(counted, other):
    total, calls = counted
    total(np.arange(6.0).reshape(2, 3))
    np.testing.assert_array_equal(total(other)[0], other.sum(axis=0))
    assert len(calls) == 2


def test_an_array_that_was_written_to_is_another(counted):
    total, calls = counted
    array = np.zeros((2, 3))
    total(array)
    array[0, 0] = 1
    assert total(array)[0][0] == 1
    assert len(calls) == 2


def test_what_is_shared_cannot_be_written_to(counted):
    with pytest.raises(ValueError, match="read-only"):
        counted[0](np.zeros((2, 3)))[0][0] = 1


def test_the_oldest_is_forgotten(counted):
    total, calls = counted
    for value in (0, 1, 2, 0):
        total(np.full((1, 1), value))
    assert len(calls) == 4


@given(st.lists(arrays(np.int8, array_shapes(max_dims=2, max_side=3), elements=st.integers(0, 1)), max_size=6))
def test_recalled_or_not_the_result_is_that_of_the_function(drawn):
    recalled = recall_by_content(3)(lambda array: array.astype(int) + 1)
    for array in drawn:
        np.testing.assert_array_equal(recalled(array), array.astype(int) + 1)
