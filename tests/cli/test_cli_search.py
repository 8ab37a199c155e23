"""`smicnb search` and `smicnb similar` as a user types them, on real photographs, and the page that they write."""

import json

import pytest
from chromium import chromium, requests, resize, violations
from PIL import Image
from real_photographs import done, refused, save, scenes, smicnb

from smicnb.codec.coders.axes import AxesCodec
from smicnb.codec.format import container
from smicnb.codec.format.reader import SmicReader

SCENES = 12


@pytest.fixture(scope="module")
def photographs(tmp_path_factory):
    """Twelve photographs, two of them a second time: smaller, and saved as JPEG of low quality."""
    folder = tmp_path_factory.mktemp("photographs")
    images = scenes(SCENES)
    for place, image in enumerate(images):
        save(image, folder / f"20{20 + place % 3}" / f"IMG_{place:02d}.png", 512)
    save(images[3], folder / "again" / "<small>&.png", 256)
    Image.open(folder / "2022/IMG_05.png").convert("RGB").save(folder / "again" / "low.jpg", quality=50)
    return folder


@pytest.fixture(scope="module")
def file(photographs, tmp_path_factory):
    target = tmp_path_factory.mktemp("files") / "photos.smic"
    done("compress", photographs, target, "--quality", "0.95", "--ways", "prior")
    return target


@pytest.fixture(scope="module")
def unnamed(photographs, tmp_path_factory):
    """A file of the paper's dictionary, without names."""
    target = tmp_path_factory.mktemp("files") / "unnamed.smic"
    done("compress", photographs / "2020", target, "--no-names", "--model", "high")
    return target


@pytest.fixture
def damaged(file, tmp_path):
    """A file of which the first of two blocks cannot be read."""
    target = tmp_path / "damaged.smic"
    with SmicReader(file) as opened:
        header, book = opened.header, opened.codebook
        blocks = [opened.file.block(0), *AxesCodec.from_codebook(book).blocks(opened.latents()[:1], ["whole.png"])]
    container.create(target, header, book.dictionary, book.tables, blocks)
    data = bytearray(target.read_bytes())
    data[data.index(blocks[0].payload) + 3] ^= 1
    target.write_bytes(data)
    return target


def names(answer):
    return [line.split("  ", 1)[1] for line in answer.out.splitlines()]


def test_a_photograph_is_found_by_itself_by_words_and_by_sums(file, photographs):
    answer = done("search", file, "--like", photographs / "2020/IMG_03.png", "--top", "3")
    assert set(names(answer)[:2]) == {"2020/IMG_03.png", "again/_small_&.png"}
    assert len(names(answer)) == 3
    scores = [float(line.split()[0]) for line in answer.out.splitlines()]
    assert scores == sorted(scores, reverse=True)
    assert scores[0] > 0.9
    by_words = done("search", file, "a tall iron tower")
    assert len(names(by_words)) == SCENES + 2
    assert smicnb("search", file, "a tall iron tower +water -people").out != by_words.out
    done("search", file, "+water", "--like", photographs / "2020/IMG_03.png")
    assert smicnb("search", file, "a tall iron tower").out == by_words.out


def test_names_above_and_json_choose(file):
    found = json.loads(smicnb("search", file, "a boat", "--names", "2021/*", "--json").out)
    assert {hit["name"] for hit in found["hits"]} == {f"2021/IMG_{n:02d}.png" for n in (1, 4, 7, 10)}
    assert found["photographs"] == SCENES + 2
    assert found["encoder"] == "lite0-minilm"
    middle = found["hits"][1]["score"]
    fewer = json.loads(smicnb("search", file, "a boat", "--names", "2021/*", "--above", f"{middle:.17g}", "--json").out)
    assert fewer["hits"] == found["hits"][:2]


def test_several_files_and_files_without_names_and_of_the_papers_dictionary(file, unnamed, photographs):
    answer = smicnb("search", unnamed, "--like", photographs / "2020/IMG_03.png")
    assert names(answer)[0] == "1"
    assert sorted(names(answer)) == ["0", "1", "2", "3"]
    together = smicnb("search", file, unnamed, "--like", photographs / "2020/IMG_03.png", "--top", "3")
    assert set(names(together)) == {f"{file}: 2020/IMG_03.png", f"{file}: again/_small_&.png", f"{unnamed}: 1"}
    assert smicnb("search", unnamed, "x", "--names", "*").status == 1


def test_nothing_found_ends_as_grep_does(file):
    answer = smicnb("search", file, "a boat", "--above", "0.99")
    assert (answer.status, answer.out) == (1, "")
    assert answer.err == (
        f"smicnb: nothing was found of 'a boat' among {SCENES + 2} photographs with a cosine of 0.99 or more\n"
    )
    found = smicnb("search", file, "a boat", "--names", "2019/*", "--json")
    assert (found.status, json.loads(found.out)["hits"]) == (1, [])
    assert smicnb("similar", file, "--above", "1").status == 1


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ([""], "found an empty query"),
        (["   "], "found an empty query"),
        (["barn +"], "found a sign without words in 'barn +'"),
        (["x" * 2000], "found a query of 2000 characters"),
        (["snow -snow"], "cancel one another out"),
        (["other.smic"], "found 'other.smic' where the query is wanted"),
        (["barn", "--above", "2"], "found --above 2"),
        (["barn", "--photos", "."], "found --photos alone"),
        (["barn", "--open"], "found --open alone"),
        (["barn", "--sheet", "found.txt"], "a name that ends in .html"),
        (["barn", "--sheet", "found.html", "--photos", "nowhere"], "found no folder 'nowhere'"),
        (["barn", "--encoder", "open_clip:ViT-B-32/nothing"], "found neither a registered tag nor a file"),
        (["--like", "nowhere.jpg"], "nowhere.jpg"),
    ],
)
def test_bad_input_is_told_on_one_line(file, words, told, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    answer = smicnb("search", file, *words)
    assert answer.status == 2
    assert answer.out == ""
    assert told in answer.err
    assert answer.err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_a_query_without_a_file_and_files_that_are_none(file, tmp_path):
    assert "found a query without a file" in smicnb("search", "barn").err
    assert "found an empty name of a file" in smicnb("search", "", "barn").err
    assert f"cannot read '{tmp_path / 'no.smic'}'" in smicnb("search", tmp_path / "no.smic", "barn").err
    (tmp_path / "no.smic").write_bytes(b"no")
    assert "is no whole .smic file" in smicnb("search", file, tmp_path / "no.smic", "barn").err


def test_a_damaged_photograph_to_look_for_is_named(file, photographs, tmp_path):
    data = (photographs / "again/low.jpg").read_bytes()
    (tmp_path / "half.jpg").write_bytes(data[: len(data) // 2])
    told = refused("search", file, "--like", tmp_path / "half.jpg")
    assert "half.jpg" in told
    assert "truncated or damaged" in told


def test_an_encoder_that_is_not_here_or_of_other_weights_is_named(file, tmp_path):
    with SmicReader(file) as opened:
        latents = opened.latents()
    for name, weights, told in (
        ("open_clip:ViT-B-32/openai", "1" * 64, "smicnb weights fetch clip-vit-b-32-openai"),
        ("lite0-minilm", "1" * 64, "'lite0-minilm' with weights 111111111111…, which the file was made with"),
        ("of my own", "1" * 64, "the encoder 'of my own' that the file was made with"),
    ):
        codec = AxesCodec(encoder=name, weights_hash=weights).fit(latents)
        container.create(tmp_path / "other.smic", *codec.sections, codec.blocks(latents))
        answer = smicnb("search", tmp_path / "other.smic", "barn")
        assert (answer.status, answer.err.count("\n")) == (2, 1)
        assert told in answer.err
        assert smicnb("similar", tmp_path / "other.smic").status in (0, 1)  # needs no encoder
    both = refused("search", file, tmp_path / "other.smic", "barn")
    assert f"'{file}' is of 'lite0-minilm'" in both
    assert "other.smic' of 'of my own'" in both


def test_a_damaged_block_is_named_and_the_others_are_searched(damaged):
    answer = smicnb("search", damaged, "a boat")
    assert names(answer) == ["whole.png"]
    assert answer.status == 2
    assert f"images 0 to {SCENES + 1} of '{damaged}' cannot be searched (block 0)" in answer.err
    found = json.loads(smicnb("search", damaged, "a boat", "--json").out)
    assert [each["block"] for each in found["damaged"]] == [0]


def test_near_duplicates_are_grouped(file, unnamed):
    answer = done("similar", file)
    groups = json.loads(smicnb("similar", file, "--json").out)
    assert [[hit["name"] for hit in group["hits"]] for group in groups["groups"]] == [
        ["2020/IMG_03.png", "again/_small_&.png"],
        ["2022/IMG_05.png", "again/low.jpg"],
    ]
    assert answer.out.splitlines()[0].startswith("group 1: 2 photographs, cosine 0.9")
    assert 0.9 < groups["fidelity"] < 1
    across = json.loads(smicnb("similar", file, unnamed, "--above", "0.9", "--json").out)["groups"]
    assert [(hit["file"], hit["image"]) for group in across for hit in group["hits"] if hit["name"] is None] == [
        (str(unnamed), image) for image in (0, 1, 2, 3)
    ]


def test_a_coarse_file_is_said_to_be_coarse(photographs, tmp_path):
    target = tmp_path / "coarse.smic"
    done("compress", photographs, target, "--quality", "0.6", "--ways", "prior")
    assert "near duplicates are hard to tell from others" in smicnb("similar", target).err


@pytest.fixture(scope="module")
def pages(file, photographs, tmp_path_factory):
    """A page of what was found, where one original is missing, and one of near duplicates."""
    folder = tmp_path_factory.mktemp("pages")
    found, groups = folder / "found.html", folder / "twice.html"
    (photographs / "2022/IMG_02.png").rename(folder / "moved.png")
    try:
        done("search", file, "a <b>boat</b>", "--sheet", found, "--photos", photographs)
    finally:
        (folder / "moved.png").rename(photographs / "2022/IMG_02.png")
    done("similar", file, "--sheet", groups, "--photos", photographs)
    return found, groups


@pytest.fixture(scope="module")
def browser():
    with chromium() as driver:
        yield driver


def test_the_pages_show_what_was_found_and_ask_no_network(browser, pages):
    for page, pictures, texts in zip(pages, (SCENES + 1, 4), (1, 0), strict=True):
        requests(browser)
        browser.get(page.as_uri())
        sizes = browser.execute_script("return [...document.images].map(i => [i.naturalWidth, i.alt])")
        assert len(sizes) == pictures
        assert {name: width for width, name in sizes if width < 320} == {"again/_small_&.png": 256}
        assert len(browser.find_elements("css selector", ".none")) == texts
        assert {url.partition(":")[0] for url in requests(browser)} <= {"file", "data"}
    browser.get(pages[0].as_uri())
    assert browser.title == "Photographs 'a <b>boat</b>'"
    assert browser.find_element("css selector", ".none").text == "the original is not in the folder"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_on_the_pages(browser, pages, axe, scheme):
    resize(browser, 390, 844, scheme)
    for page in pages:
        browser.get(page.as_uri())
        assert [(each["id"], each["nodes"][0]["html"]) for each in violations(browser, axe)] == []


def test_a_page_without_originals_names_them(file, tmp_path):
    target = tmp_path / "found.html"
    done("search", file, "a boat", "--top", "1", "--sheet", target)
    page = target.read_text(encoding="utf-8")
    assert "--photos says where the originals are" in page
    assert "<img" not in page
    assert "exists already" in smicnb("search", file, "a boat", "--sheet", target).err
    done("search", file, "a boat", "--sheet", target, "--force")
