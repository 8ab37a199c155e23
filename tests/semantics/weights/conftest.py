"""A hub on this machine in place of the real one."""

import pytest
from hub_server import Hub, Store, serving


@pytest.fixture
def use_hub(monkeypatch, tmp_path):
    """A function that makes huggingface_hub use another address, with an empty cache and no way around it."""
    from huggingface_hub import constants

    def use(address: str):
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
        monkeypatch.setattr(constants, "ENDPOINT", address)
        template = address + "/{repo_id}/resolve/{revision}/{filename}"
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
        monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "no-token"))
        monkeypatch.delenv("HF_TOKEN", raising=False)

    return use


@pytest.fixture
def hub(use_hub):
    hub = Hub()
    with serving(hub) as address:
        use_hub(address)
        yield hub


@pytest.fixture
def stored_hub(use_hub):
    """A hub that keeps large files in a store at another address, as the real one does."""
    hub = Hub(store=Store())
    with serving(hub) as address:
        use_hub(address)
        yield hub
