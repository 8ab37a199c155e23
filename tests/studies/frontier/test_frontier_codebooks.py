"""Codebooks of a sweep against those that are fitted one by one."""

import dataclasses

import numpy as np
import pytest

from smicnb.codec.coders.smic import fit_codebook
from smicnb.codec.format import quantise
from smicnb.codec.rate import OperatingPoint
from smicnb.studies.frontier import codebooks
from smicnb.studies.frontier.sweep import Grid

GRID = Grid([1, 6], [1, 4], [1, 4, 16], [0.3, 1.5], 0.5, 20.0, 3, "tests")


@dataclasses.dataclass(frozen=True)
class Encoder:
    name: str = "drawn at random"
    weights_hash: str = "ab" * 32


@pytest.fixture(scope="module")
def latents():
    drawn = np.random.default_rng(0).normal(size=(90, 12)) * np.geomspace(3, 0.3, 12)
    return drawn * (20 / np.linalg.norm(drawn, axis=1, keepdims=True))


def test_every_codebook_is_the_one_fitted_to_the_collection(fresh_cache, latents):
    books = codebooks.codebooks(latents, GRID, Encoder())
    for n_atoms in GRID.n_atoms:
        for b_dict in GRID.b_dict:
            for b_coef in GRID.b_coef:
                for penalty in GRID.penalties:
                    book = books.find(OperatingPoint(n_atoms, b_coef, b_dict, penalty))
                    levels = quantise.atom_levels(books.atoms[n_atoms], b_dict)
                    fitted = fit_codebook(book.header, levels, latents, refit=True)
                    assert (book.dictionary, book.tables) == (fitted.dictionary, fitted.tables)
    assert (book.header.encoder, book.header.weights_hash) == ("drawn at random", "ab" * 32)


def test_nothing_is_fitted_twice_and_another_seed_is_another_fit(fresh_cache, latents, monkeypatch):
    first = codebooks.codebooks(latents, GRID, Encoder())
    monkeypatch.setattr(codebooks, "learn", lambda *arguments: pytest.fail("learned again"))
    monkeypatch.setattr(codebooks, "fit_tables", lambda *arguments: pytest.fail("fitted again"))
    again = codebooks.codebooks(latents, GRID, Encoder())
    for n_atoms in GRID.n_atoms:
        assert (again.atoms[n_atoms] == first.atoms[n_atoms]).all()
        assert (again.tables[n_atoms] == first.tables[n_atoms]).all()
    with pytest.raises(pytest.fail.Exception, match="learned again"):
        codebooks.codebooks(latents, dataclasses.replace(GRID, seed=4), Encoder())
