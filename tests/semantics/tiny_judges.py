"""Folders of tiny random models for the tests of captioner, segmenter and quality."""

import sys
from pathlib import Path


def folder_of(kind: str, parent: Path) -> Path:
    """A folder below `parent` with the model that tools/tiny_models.py makes by the function `kind`."""
    tools = str(Path(__file__).resolve().parents[2] / "tools")
    sys.path.insert(0, tools)
    try:
        import tiny_models
    finally:
        sys.path.remove(tools)
    return getattr(tiny_models, kind)(parent / kind)
