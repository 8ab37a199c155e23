"""Headless Chromium for tests: the browser, and the network requests that its pages made."""

import contextlib
import json
import shutil
import tempfile
from collections.abc import Iterator

import pytest

FLAGS = (
    "--headless=new",
    "--no-sandbox",  # it runs as root in containers, and opens only what the tests wrote
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-extensions",
    "--force-device-scale-factor=1",
)


@contextlib.contextmanager
def chromium(width: int = 1280, height: int = 900) -> Iterator:
    """A selenium driver of Debian's Chromium with a profile of its own; the test is skipped where it is absent.

    Chromium, its driver and the profile are gone when the block ends.
    """
    binary = shutil.which("chromium") or shutil.which("chromium-browser")
    driver_binary = shutil.which("chromedriver")
    if not binary or not driver_binary:
        pytest.skip("Chromium and its driver are not installed (Debian: apt install chromium chromium-driver)")
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = binary
    options.set_capability("goog:loggingPrefs", {"performance": "ALL", "browser": "ALL"})
    with tempfile.TemporaryDirectory(prefix="smicnb-chromium-", ignore_cleanup_errors=True) as profile:
        for flag in (*FLAGS, f"--user-data-dir={profile}", f"--window-size={width},{height}"):
            options.add_argument(flag)
        # A service that is named is not looked for elsewhere.
        driver = webdriver.Chrome(options, webdriver.ChromeService(driver_binary))
        try:
            driver.get("about:blank")
            driver.get_log("performance")  # what the page of new tabs asked for
            yield driver
        finally:
            driver.quit()


def resize(driver, width: int, height: int, scheme: str = "light") -> None:
    """Give the page exactly this size in CSS pixels, as on a phone, and the light or dark colour scheme."""
    size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})


def requests(driver) -> list[str]:
    """Addresses that pages asked for since the last call, whether or not they were answered."""
    messages = [json.loads(entry["message"])["message"] for entry in driver.get_log("performance")]
    return [
        message["params"]["request"]["url"] for message in messages if message["method"] == "Network.requestWillBeSent"
    ]


def violations(driver, axe: str) -> list[dict]:
    """What axe-core (`axe`, its source) finds on the page that is open."""
    driver.execute_script(axe + "\n;window.axe = axe;")
    run = "const done = arguments[0]; window.axe.run({preload: false}).then((found) => done(found.violations));"
    return driver.execute_async_script(run)
