"""Every photograph is read, or named with the reason why it is not."""

import base64
import importlib.util
import io
import subprocess
import sys
import zlib

import numpy as np
import pytest
from colour_profiles import encoded
from picture_files import assert_refused, psd, tiff
from PIL import Image

from smicnb.base.errors import ImageError
from smicnb.semantics.photographs import folders, formats, images, samples
from smicnb.semantics.photographs.folders import list_images
from smicnb.semantics.photographs.images import check, probe, read_image, size_of
from smicnb.semantics.photographs.jpeg_xl import size_in_header

pytestmark = pytest.mark.usefixtures("own_cache", "jpeg_xl_is_written")

# 40×24 pixels of four colours, turned by 90 degrees to the right when they are shown.
TURNED_HEIC = zlib.decompress(
    base64.b85decode(
        b"c-muNV30{GsVvAy%}izhg51nBLl8SRGck>Uf$?~5YDppk1Sn>t<P<^K3<a6VB@Af5Br_);Y>0~k0}}%yh{gCCLIXh?Pz(r|3gIFu"
        b"Kx~njnU@CUfn-I2oK&zfpqh-bWJ3ldK}L`g*NRNAa=wDhl3WI;N=CNKf}#Q-`)OuDaz2nQ1?qKXWCjUM04tLF!0_kqj~@&S{LBeJ"
        b"9TE<VJdFSUgA_1>R4{{(+%6`EM4+Um6C)#<%mRf*)@iTS&3g7galwHG1_qu6kZ?;9P&Jzi<H6#Coj^N;lk;<m@{)5ZfTFw%Y(OOp"
        b"BALYnsZifKK(R)0P9n%*8W6WLNPy`7|Np-Lg#nPh0Sya*g3O9ckVa+>4h|s2nOT%y0(1_8WM)AwEKV4Kes5%AW^HK$a-=egQq!Ok"
        b"e90-r$>3N3*|8}%B@q-|O&W~rIZsrjIvr4+9r$1T`!Df@>&1S*2-|O(-ki;JdD8z5(S-2WTbY4(j=yNQD=;VF23OYy|Ftq7)_e+y"
        b"lC7Lo)+?33X4HMvo$piYjp;H$P1`2fXXaI|=McN}aPo`ybJny>f9@aib$*r7N9n7z{!$qSpEX=rZ1zIW`HZ5&Cb`c1BTIm;V1q=W"
        b"uP=iZkjKHm$S4E~XHZ~591j33J)Ow"
    )
)
# 16×16 pixels of grey in 16 bits with transparency, which the plugin's own encoder does not make.
DEEP_GREY = base64.b85decode(
    b"0000CN?1%F4GM<}0000KW^{RQYItlQ00000YItlQ00009YItmH3IG5AIBIxoWB&?6@FVyEC~gD@01yCx081E)6#(23F9r{~3mgCt"
    b"01hz_`~Y!&I6EkQM+Xu}5C"
)
HERE = np.array([[[40, 40, 200], [200, 40, 40]], [[230, 230, 230], [40, 200, 40]]])  # its corners as they are seen
SHORT = "damaged or of a kind that is not read"


@pytest.fixture
def without(monkeypatch):
    """Make a package look as if it were not installed."""

    def hide(name):
        original = importlib.util.find_spec
        monkeypatch.setattr(
            importlib.util, "find_spec", lambda asked, *rest: None if asked == name else original(asked, *rest)
        )

    return hide


def jpeg_xl(size=(64, 32), **options):
    pytest.importorskip("pillow_jxl")
    file = io.BytesIO()
    Image.fromarray(picture(*size)).save(file, "JXL", lossless=True, **options)
    return file.getvalue()


def picture(width=64, height=32):
    rows, columns = np.mgrid[0:height, 0:width]
    return np.stack([rows * 3 % 256, columns % 256, (rows + columns) % 256], 2).astype(np.uint8)


@pytest.mark.parametrize("boxes", [False, True])
def test_jpeg_xl_is_read(tmp_path, boxes):
    (tmp_path / "a.jxl").write_bytes(jpeg_xl(use_container=boxes))
    np.testing.assert_array_equal(read_image(tmp_path / "a.jxl"), picture())
    assert size_of(tmp_path / "a.jxl") == (64, 32)
    assert [file.name for file in list_images(tmp_path).files] == ["a.jxl"]


def test_sixteen_bits_of_jpeg_xl(tmp_path):
    pytest.importorskip("pillow_jxl")
    values = np.tile(np.linspace(0, 65535, 40).astype(np.uint16), (20, 1))
    Image.fromarray(values).save(tmp_path / "a.jxl", lossless=True)
    levels = np.round(values / 257)
    np.testing.assert_array_equal(read_image(tmp_path / "a.jxl", profiles=False)[..., 0], levels)
    # The plugin writes of 16 bits that they are linear light, and of 8 that they are sRGB.
    assert np.abs(read_image(tmp_path / "a.jxl")[..., 0] - 255 * encoded(levels / 255)).max() <= 1
    Image.fromarray(values.astype(np.float32)).save(tmp_path / "b.jxl", lossless=True)
    assert_refused(tmp_path / "b.jxl", samples.NO_RANGE)


def test_deep_grey_with_transparency_is_not_taken_for_shallow(tmp_path):
    pytest.importorskip("pillow_jxl")
    (tmp_path / "a.jxl").write_bytes(DEEP_GREY)
    assert_refused(tmp_path / "a.jxl", formats.DEEP_GREY)


def test_of_jpeg_xl_the_orientation_of_exif_is_a_copy(tmp_path):
    """The code stream's own holds and was applied (ISO/IEC 18181); a JPEG file inside is turned as that file is."""
    exif = Image.Exif()
    exif[0x0112] = 6
    (tmp_path / "a.jxl").write_bytes(jpeg_xl(exif=exif.tobytes()))
    np.testing.assert_array_equal(read_image(tmp_path / "a.jxl"), picture())
    Image.fromarray(picture()).save(tmp_path / "b.jpg", exif=exif)
    with Image.open(tmp_path / "b.jpg") as photograph, pytest.warns(UserWarning, match="reconstruction"):
        photograph.save(tmp_path / "b.jxl")
    np.testing.assert_array_equal(read_image(tmp_path / "b.jxl"), read_image(tmp_path / "b.jpg"))
    assert size_of(tmp_path / "b.jxl") == (32, 64)


@pytest.mark.parametrize("size", [(16, 16), (64, 32), (300, 200), (17, 401), (1000, 750), (256, 256), (40, 3000)])
@pytest.mark.parametrize("boxes", [False, True])
def test_the_size_of_jpeg_xl_is_in_its_header(size, boxes):
    assert size_in_header(io.BytesIO(jpeg_xl(size, use_container=boxes))) == size


def promised(width, height):
    """A JPEG XL header that promises a size, and nothing behind it."""
    bits = "0"  # not in eights
    for length in (height, width):
        bits += "11" + f"{length - 1:030b}"[::-1]  # class 3 (30 bits), lowest bit first
        bits += "000" if length == height and len(bits) < 40 else ""
    return b"\xff\x0a" + int(bits[::-1], 2).to_bytes((len(bits) + 7) // 8, "little")


def test_a_jpeg_xl_bomb_is_refused_before_it_is_decoded(tmp_path, monkeypatch):
    pytest.importorskip("pillow_jxl")
    from pillow_jxl.JpegXLImagePlugin import JXLImageFile

    assert size_in_header(io.BytesIO(promised(40_000, 30_000))) == (40_000, 30_000)
    monkeypatch.setattr(JXLImageFile, "_open", lambda image: pytest.fail("decoded"))
    (tmp_path / "a.jxl").write_bytes(promised(40_000, 30_000))
    assert_refused(tmp_path / "a.jxl", images.TOO_LARGE)


@pytest.mark.parametrize("length", range(0, 70, 3))
def test_damaged_jpeg_xl_gives_a_reason(tmp_path, length):
    (tmp_path / "a.jxl").write_bytes(jpeg_xl(use_container=True)[:length])
    assert check(tmp_path / "a.jxl")[0] in (images.DAMAGED, images.NOT_AN_IMAGE)


def test_without_its_plugin_jpeg_xl_is_named(tmp_path, without):
    (tmp_path / "a.jxl").write_bytes(b"\xff\x0a" + bytes(60))
    without("pillow_jxl")
    assert_refused(tmp_path / "a.jxl", formats.NO_JPEG_XL)


def test_heic_is_read(tmp_path):
    pytest.importorskip("pi_heif")
    (tmp_path / "a.HEIC").write_bytes(TURNED_HEIC)
    pixels = read_image(tmp_path / "a.HEIC")
    assert pixels.shape == (40, 24, 3)
    assert size_of(tmp_path / "a.HEIC") == (24, 40)
    assert np.abs(pixels[[4, -4]][:, [4, -4]].astype(int) - HERE).max() < 12
    assert [file.name for file in list_images(tmp_path).files] == ["a.HEIC"]
    (tmp_path / "b.heic").write_bytes(TURNED_HEIC[:-100])
    assert check(tmp_path / "b.heic") == (images.DAMAGED, None)


@pytest.mark.parametrize("name", ["a.heic", "a.HIF", "a.jpg"])  # telephones call them .jpg too
def test_without_its_decoder_heic_is_named(tmp_path, without, name):
    without("pi_heif")
    (tmp_path / name).write_bytes(TURNED_HEIC)
    assert_refused(tmp_path / name, formats.NO_HEIC)


def test_neither_decoder_is_imported_before_it_is_needed(tmp_path):
    Image.fromarray(picture()).save(tmp_path / "a.png")
    code = (
        "import sys; from smicnb.semantics.photographs.folders import list_images; list_images(sys.argv[1]);"
        "assert not {'pillow_jxl', 'pi_heif'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True)


def test_a_raw_file_is_refused_though_pillow_sees_its_thumbnail(tmp_path):
    small = tiff(tmp_path / "a.nef", picture().tobytes(), 64, 32, (8, 8, 8), photometric=2)
    assert_refused(small, formats.RAW)
    assert_refused(tiff(tmp_path / "a.tif", picture().tobytes(), 64, 32, (8, 8, 8), photometric=2, dng=1), formats.RAW)


def test_a_known_format_that_is_not_read_is_named(tmp_path):
    assert_refused(psd(tmp_path / "a.psd", picture(), bits=16), "PSD of 16 bits, which is not read")
    path = tiff(tmp_path / "a.tif", bytes(64 * 32 * 8), 64, 32, 64, photometric=1)
    assert_refused(path, f"TIFF, but {SHORT}")
    (tmp_path / "a.exr").write_bytes(b"\x76\x2f\x31\x01" + bytes(100))
    assert_refused(tmp_path / "a.exr", "OpenEXR, which is not read")


@pytest.mark.parametrize("size", [(12_000, 9_000), (16_320, 12_240)])  # 108 and 200 megapixels
def test_a_telephone_s_largest_photographs_are_read_for_a_network_alone(tmp_path, size):
    Image.new("L", size, 77).save(tmp_path / "a.jpg")
    assert probe(tmp_path / "a.jpg") is None
    assert check(tmp_path / "a.jpg") == (None, None)
    assert images.size_of(tmp_path / "a.jpg") == size
    seen = read_image(tmp_path / "a.jpg", side=224)
    assert seen.shape == (size[1] // 8, size[0] // 8, 3)
    assert (seen == 77).all()
    with pytest.raises(ImageError, match="more than 100 megapixels"):
        read_image(tmp_path / "a.jpg")


@pytest.mark.parametrize(
    ("size", "progressive"), [((12_000, 9_000), True), ((20_000, 15_001), False), ((65_535, 65_535), False)]
)
def test_a_larger_jpeg_file_is_refused_by_its_header(tmp_path, size, progressive):
    """Of a progressive one libjpeg would keep all coefficients."""
    Image.fromarray(picture()).save(tmp_path / "a.jpg", progressive=progressive)
    data = bytearray((tmp_path / "a.jpg").read_bytes())
    frame = data.index(b"\xff\xc2" if progressive else b"\xff\xc0") + 5
    data[frame : frame + 4] = size[1].to_bytes(2, "big") + size[0].to_bytes(2, "big")
    (tmp_path / "a.jpg").write_bytes(data)
    assert_refused(tmp_path / "a.jpg", "more than 100 megapixels")


def test_what_was_left_out_is_counted_and_listed(tmp_path, without):
    without("pi_heif")
    for folder in ("@eaDir/a.png", "#recycle", ".thumbnails", "album/@eaDir", "album/$RECYCLE.BIN"):
        (tmp_path / folder).mkdir(parents=True)
        Image.fromarray(picture(40 + len(folder))).save(tmp_path / folder / "thumb.png")
    Image.fromarray(picture()).save(tmp_path / "a.png")
    (tmp_path / "b.heic").write_bytes(TURNED_HEIC)
    (tmp_path / "album" / "c.CR2").write_bytes(b"II*\0" + bytes(100))
    (tmp_path / "d.mov").write_bytes(bytes(10))
    listing = list_images(tmp_path)
    assert [file.name for file in listing.files] == ["a.png"]
    assert listing.skipped == {formats.NO_HEIC: 1, formats.RAW: 1}
    assert listing.notes == {folders.PASSED_OVER: 1, folders.SERVERS_OWN: 4}
    assert listing.left_out == (
        ("#recycle", folders.SERVERS_OWN),
        (".thumbnails", folders.HIDDEN),
        ("@eaDir", folders.SERVERS_OWN),
        ("album/$RECYCLE.BIN", folders.SERVERS_OWN),
        ("album/@eaDir", folders.SERVERS_OWN),
        ("album/c.CR2", formats.RAW),
        ("b.heic", formats.NO_HEIC),
        ("d.mov", folders.PASSED_OVER),
    )
    assert len(list_images(tmp_path / "@eaDir").files) == 1  # who asks for it, has it
