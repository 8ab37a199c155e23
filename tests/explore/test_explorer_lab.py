"""The explorer as a reader meets it: a real JupyterLab in a real browser."""

import time

import nbformat
import pytest
from chromium import chromium, requests
from jupyter_lab import jupyter_lab
from papermill.iorw import load_notebook_node
from papermill.parameterize import parameterize_notebook
from selenium.common.exceptions import StaleElementReferenceException, TimeoutException
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

# As in test_explore, so that one sweep serves both.
SMOKE = {"n_atoms": [2, 16], "b_dict": [2, 4], "b_coef": [1, 4], "penalties": [0.2, 0.8]}
SECONDS = 180  # for what loads models on a busy machine
SOON = 90  # seconds at most, also where other tests keep the kernel waiting
KERNEL = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
READY = "return Boolean(window.jupyterapp?.shell.currentWidget?.sessionContext?.session?.kernel)"
WHAT_IS_THERE = "return [document.title, document.readyState, document.body.innerText.slice(0, 500)].join(' | ')"
VISIBLE = "return getComputedStyle(document.querySelector(arguments[0])).display"


@pytest.fixture(scope="module")
def page(repository, tmp_path_factory):
    """A driver that has explore.ipynb open, all cells run, at smoke size."""
    folder = tmp_path_factory.mktemp("lab")
    (folder / "notebooks").mkdir()
    nbformat.write(nbformat.v4.new_notebook(metadata=KERNEL), folder / "notebooks" / "empty.ipynb")
    book = load_notebook_node(str(repository / "notebooks" / "explore.ipynb"))
    nbformat.write(parameterize_notebook(book, SMOKE), folder / "notebooks" / "explore.ipynb")
    environment = {"PYTHONPATH": str(repository), "SMICNB_OUT": str(folder / "figures")}
    with chromium(1280, 1300) as driver, jupyter_lab(folder, folder / "notebooks", **environment) as address:
        open_notebook(driver, address.format("empty.ipynb"), pytest.skip)  # whether JupyterLab itself comes up here
        open_notebook(driver, address.format("explore.ipynb"), pytest.fail)
        driver.execute_script("window.jupyterapp.commands.execute('notebook:run-all-cells')")
        WebDriverWait(driver, SECONDS).until(lambda _: all_of(driver, ".smx-live .smx-generated"))
        yield driver


def open_notebook(driver, address, give_up):
    """Load the page until its notebook has a kernel; twice at most, as a reader would, then say what is there."""
    for _ in range(2):
        driver.get(address)
        try:
            return WebDriverWait(driver, SECONDS).until(lambda _: driver.execute_script(READY))
        except TimeoutException:
            found = driver.execute_script(WHAT_IS_THERE)
    messages = [entry["message"][:200] for entry in driver.get_log("browser")][-5:]
    return give_up(f"JupyterLab gave {address.partition('?')[0]} no kernel in twice {SECONDS} s: {found}; {messages}")


def all_of(driver, selector):
    return driver.find_elements(By.CSS_SELECTOR, selector)


def the(driver, selector):
    (element,) = all_of(driver, f".smx-live {selector}")
    return element


def wait(driver, condition):
    """Wait until a condition holds; what is redrawn meanwhile is looked for again."""
    return WebDriverWait(driver, SOON, 0.05, [StaleElementReferenceException]).until(lambda _: condition())


def press(driver, name, seen):
    """Press a button until what it does is seen, which is returned. By keyboard: pictures that are drawn meanwhile may
    move the button away from under a pointer. And again: a press is lost with a button that is drawn anew.
    """

    def pressed():
        next(button for button in all_of(driver, ".smx-live button") if button.text == name).send_keys(Keys.SPACE)
        for _ in range(100):
            if found := seen():
                return found
            time.sleep(0.1)
        return None

    return wait(driver, pressed)


def test_a_slider_moved_by_keyboard_changes_number_and_picture(page):
    number, picture = the(page, ".smx-bits-train").text, the(page, ".smx-generated").get_attribute("src")
    assert picture.startswith("data:image/jpeg")
    assert float(number) > 0
    atoms = all_of(page, ".smx-live .noUi-handle")[0]
    assert atoms.get_attribute("role") == "slider"
    atoms.send_keys(Keys.ARROW_LEFT)
    wait(page, lambda: the(page, ".smx-bits-train").text != number)
    wait(page, lambda: the(page, ".smx-generated").get_attribute("src") != picture)
    all_of(page, ".smx-live .noUi-handle")[0].send_keys(Keys.ARROW_RIGHT)
    wait(page, lambda: the(page, ".smx-bits-train").text == number)
    wait(page, lambda: the(page, ".smx-generated").get_attribute("src") == picture)


def test_an_atom_switched_off_changes_what_is_decoded(page):
    kept = the(page, ".smx-latent").text
    box = all_of(page, ".smx-live input[type=checkbox]")[0]
    box.click()
    wait(page, lambda: float(the(page, ".smx-latent").text) < float(kept))
    box.click()
    wait(page, lambda: the(page, ".smx-latent").text == kept)


def test_typed_words_are_answered_with_pictures(page):
    the(page, "input[placeholder='a castle by the sea']").send_keys("a flower", Keys.ENTER)
    wait(page, lambda: len([b for b in all_of(page, ".smx-live button") if b.text == "Show" and b.is_displayed()]) == 6)
    shown = the(page, ".smx-original").get_attribute("src")
    next(button for button in all_of(page, ".smx-live button") if button.text == "Show").click()
    wait(page, lambda: the(page, ".smx-original").get_attribute("src") != shown)


def test_the_words_are_asked_of_a_file_of_ones_own(page, own_file):
    for name, path in (("~/photos.smic", own_file), ("the folder it was made from", own_file.with_suffix(""))):
        the(page, f"input[placeholder='{name}']").send_keys(str(path))
    press(page, "Search", lambda: "6 photographs of lite0-minilm" in all_of(page, ".smx-live")[0].text)
    words = the(page, "input[placeholder='a castle by the sea']")
    words.clear()
    words.send_keys("a building +sky", Keys.ENTER)
    wait(page, lambda: len(all_of(page, ".smx-live .smx-hits img")) == 6)


def test_a_wrong_folder_is_told_in_one_line(page):
    the(page, "input[placeholder='~/Pictures']").send_keys("/no/such/folder")
    (told,) = press(page, "Open", lambda: [line.text for line in all_of(page, ".smx-live .error")])
    assert told.startswith("'/no/such/folder' cannot be read as a folder (No such file or directory)")
    assert "\n" not in told


def test_the_recipe_is_copied_by_a_button(page):
    button = next(button for button in all_of(page, ".smx-live button") if button.text == "Copy")
    page.execute_script("arguments[0].scrollIntoView({block: 'center'})", button)
    button.click()
    wait(page, lambda: button.text == "Copied")
    field = the(page, "input[placeholder='~/Pictures']")
    field.clear()
    field.send_keys(Keys.CONTROL, "v")
    pasted = " ".join(all_of(page, ".smx-live pre")[0].text.splitlines())  # a field of one line has no others
    assert "06_rsf_convex_hull" in pasted
    wait(page, lambda: field.get_attribute("value") == pasted)


def test_widgets_take_the_place_of_the_page_and_nothing_leaves_the_machine(page):
    assert page.execute_script(VISIBLE, ".smx-static") == "none"
    served = page.current_url.partition("/doc")[0]
    addresses = [address for address in requests(page) if address.startswith(("http", "ws"))]
    assert len(addresses) > 10
    assert [address for address in addresses if not address.startswith((served, served.replace("http", "ws")))] == []
    assert "Traceback" not in page.page_source
