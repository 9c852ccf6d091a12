"""Photos for the tests: those that were handed over, or drawn ones that show their name."""

import io
import random
import shutil

from PIL import Image, ImageDraw, ImageFont

from places import PHOTOS

# The delivery of the how-to: entities and their numbers of photos.
DELIVERY = {351518: 2, 351519: 1, 351520: 1, 351521: 1, 351522: 1, 351523: 2, 351524: 1, 351525: 1, 351526: 2, 351527: 1}


def draw(text, size=(800, 600), quality=85, grain=0):
    """A JPEG that shows a text; `grain` (0 to 255) adds noise, and with it bytes."""
    seed = random.Random(text)
    image = Image.new("RGB", size, tuple(seed.randrange(40, 160) for _ in range(3)))
    if grain:
        noise = Image.frombytes("L", size, seed.randbytes(size[0] * size[1])).point(lambda level: level * grain // 255)
        image = Image.merge("RGB", [Image.eval(band, lambda v: v // 2) for band in image.split()])
        image.paste(Image.merge("RGB", [noise] * 3), mask=noise)
    font = ImageFont.load_default(size=min(size) // 6)
    ImageDraw.Draw(image).text((size[0] // 2, size[1] // 2), text, anchor="mm", font=font, fill="white")
    return encoded(image, "JPEG", quality=quality)


def draw_png(text):
    """A PNG, whatever the file will be called."""
    return encoded(Image.new("RGB", (64, 64), "teal"), "PNG")


def encoded(image, format_name, **options):
    file = io.BytesIO()
    image.save(file, format_name, **options)
    return file.getvalue()


def deliver(folder):
    """Fills a folder with the delivery of the how-to: 13 originals of 10 entities."""
    folder.mkdir()
    if PHOTOS.is_dir():
        for photo in PHOTOS.glob("*.jpg"):
            shutil.copyfile(photo, folder / photo.name)
    else:
        for cd_idx, photos in DELIVERY.items():
            for sequence in range(photos):
                (folder / f"{cd_idx}_{sequence}.jpg").write_bytes(draw(f"{cd_idx}_{sequence}"))
    return folder


def add_strays(folder):
    """Adds what people and systems leave beside photos: five files that are no originals."""
    (folder / ".DS_Store").write_bytes(b"\0\0\0\1Bud1")
    (folder / "._351518_0.jpg").write_bytes(b"\0\5\26\7AppleDouble")
    (folder / "9_0.jpg").write_bytes(draw_png("9_0"))
    (folder / "8_0.jpg").write_bytes(b"")
    (folder / "notes.txt").write_text("Please register by Friday.\n")


def deliver_one(path, text):
    """Writes a drawn photo, with the folders that it is in."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(draw(text))
