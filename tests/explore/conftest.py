"""No worker of a run outlives its test; a compressed folder that both tests of the explorer search."""

import checkouts
import pytest
from PIL import Image
from typer.testing import CliRunner


@pytest.fixture(autouse=True)
def _nobody_is_left_behind():
    yield
    checkouts.end_all()


@pytest.fixture(scope="session")
def own_file(embedded, tmp_path_factory):
    """The .smic file of a folder beside it, of its name: six photographs of the embedded collection.

    No page should take their names for its own.
    """
    from smicnb.cli.main import app

    folder = tmp_path_factory.mktemp("own") / "photographs"
    folder.mkdir()
    for number, item in enumerate(embedded.items[::80][:6]):
        name = f"<i>{number}</i>.png".replace("/", "\N{DIVISION SLASH}")
        Image.fromarray(item.image()).save(folder / name)
    done = CliRunner().invoke(app, ["compress", str(folder), str(folder.with_suffix(".smic"))])
    assert done.exit_code == 0, done.output
    return folder.with_suffix(".smic")
