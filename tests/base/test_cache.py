import numpy as np

from smicnb.base.cache import ArrayCache, cache_root


def test_root_honours_xdg_only_where_absolute(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_root() == tmp_path / "smicnb"
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    assert cache_root().is_absolute()


def test_value_comes_back_and_is_made_once(fresh_cache):
    cache, made = ArrayCache("numbers"), []

    def make():
        made.append(1)
        return np.arange(6, dtype=np.float32)

    for _ in range(2):
        assert np.array_equal(cache.get_or_make(["key", 1], make), np.arange(6))
    assert made == [1]
    assert cache.get(["key", 2]) is None


def test_damaged_file_is_as_good_as_absent(fresh_cache):
    cache = ArrayCache("numbers")
    cache.put("key", np.ones(1000))
    path = cache.path("key")
    path.write_bytes(path.read_bytes()[:500])
    assert cache.get("key") is None
    assert not path.exists()


def test_pickled_arrays_are_refused(fresh_cache):
    cache = ArrayCache("numbers")
    path = cache.path("key")
    path.parent.mkdir(parents=True)
    np.save(path, np.array([{"a": 1}], dtype=object), allow_pickle=True)
    assert cache.get("key") is None


def test_a_cache_that_cannot_be_written_costs_time_alone(monkeypatch, tmp_path):
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert ArrayCache("numbers").get_or_make("key", lambda: np.ones(3)).sum() == 3
