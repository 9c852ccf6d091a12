"""A chart of colours through every ICC profile that Debian ships, held against lcms (by way of Pillow)."""

import io
import itertools
from pathlib import Path

import pytest
from PIL import Image, ImageCms

import places
from server import cameo

# What scripts/test installs: icc-profiles-free, colord-data and libgs-common.
PROFILES = sorted(Path("/usr/share/color/icc").rglob("*.icc"))
XYB = places.REPOSITORY.parent / "shared" / "findings" / "images" / "P6_xyb_saturated_patches.jpg"
MODES = {"RGB ": "RGB", "CMYK": "CMYK"}
# Every stage as the profile states it: by default lcms makes a grid of some thousand colours of a table, and is off by that itself.
EXACTLY = ImageCms.Flags.NOOPTIMIZE
PATCH = 24
ACROSS = 16
LEVELS = 3
# Where all ink is black already, a level of ink, which two decoders may differ by, is more than one of light.
LEVELS_OF_INKS = 4

CONFIGURATION = """
[size_sets.default]
sizes = [{ name = "or", width = 2000, height = 2000, fit = "inside", quality = 100 }]
"""


def colours(mode):
    steps = {"RGB": 6, "CMYK": 4}[mode]
    return list(itertools.product([round(255 * i / (steps - 1)) for i in range(steps)], repeat=len(mode)))


def chart(mode, icc, path):
    """A JPEG of patches, and how it looks to another decoder."""
    patches = colours(mode)
    image = Image.new(mode, (ACROSS * PATCH, -(-len(patches) // ACROSS) * PATCH))
    for i, colour in enumerate(patches):
        x, y = i % ACROSS * PATCH, i // ACROSS * PATCH
        image.paste(colour, (x, y, x + PATCH, y + PATCH))
    image.save(path, "JPEG", quality=100, subsampling=0, icc_profile=icc)
    decoded = Image.open(path)
    decoded.load()
    return decoded


def patch(image, i):
    x, y = i % ACROSS * PATCH + 8, i // ACROSS * PATCH + 8
    return image.crop((x, y, x + 8, y + 8)).resize((1, 1), Image.BOX).getpixel((0, 0))


def differences(icc, mode, folder):
    """How far each patch of the rendition is from what lcms makes of it, in levels."""
    decoded = chart(mode, icc, folder / "1_0.jpg")
    profile = ImageCms.ImageCmsProfile(io.BytesIO(icc))
    transform = ImageCms.buildTransform(profile, ImageCms.createProfile("sRGB"), mode, "RGB", flags=EXACTLY)
    wanted = ImageCms.applyTransform(decoded, transform)
    (folder / "cameo.toml").write_text(CONFIGURATION)
    ended = cameo("render", "1_0.jpg", "--out", "out", "--config", "cameo.toml", cwd=folder)
    assert ended.returncode == 0, ended.stderr
    found = Image.open(folder / "out" / "1_0.or.jpg").convert("RGB")
    assert found.size == wanted.size
    for i, colour in enumerate(colours(mode)):
        a, b = patch(found, i), patch(wanted, i)
        yield max(abs(x - y) for x, y in zip(a, b)), colour, a, b


@pytest.mark.parametrize("path", PROFILES, ids=lambda path: path.stem)
def test_colours_are_those_of_lcms(path, tmp_path):
    icc = path.read_bytes()
    mode = MODES.get(icc[16:20].decode("latin-1"))
    if mode is None:
        pytest.skip("a profile of another kind of samples")
    worst = max(differences(icc, mode, tmp_path))
    assert worst[0] <= (LEVELS_OF_INKS if mode == "CMYK" else LEVELS), worst


def test_there_are_profiles_of_matrices_and_of_tables():
    assert sum(MODES.get(path.read_bytes()[16:20].decode("latin-1")) == "CMYK" for path in PROFILES) >= 2, PROFILES
    assert len(PROFILES) >= 20


def test_saturated_colours_of_xyb_are_those_of_lcms(tmp_path):
    """images.md P6: magenta came out as (255, 78, 255)."""
    if not XYB.exists():
        pytest.skip(f"THERE IS NO {XYB}")
    image = Image.open(XYB)
    icc = image.info["icc_profile"]
    transform = ImageCms.buildTransform(
        ImageCms.ImageCmsProfile(io.BytesIO(icc)), ImageCms.createProfile("sRGB"), "RGB", "RGB", flags=EXACTLY
    )
    wanted = ImageCms.applyTransform(image.convert("RGB"), transform)
    (tmp_path / "cameo.toml").write_text(CONFIGURATION)
    assert cameo("render", XYB, "--out", "out", "--config", "cameo.toml", cwd=tmp_path).returncode == 0
    (written,) = (tmp_path / "out").iterdir()
    found = Image.open(written).convert("RGB")
    width, height = wanted.size
    assert found.size == wanted.size
    for x, y in itertools.product(range(20, width, 40), range(20, height, 40)):
        box = (x - 4, y - 4, x + 4, y + 4)
        a, b = (im.crop(box).resize((1, 1), Image.BOX).getpixel((0, 0)) for im in (found, wanted))
        assert max(abs(u - v) for u, v in zip(a, b)) <= LEVELS, (x, y, a, b)
