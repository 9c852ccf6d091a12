"""A folder as a vendor hands it over on a bad day: entities of one photo each, and one fault of each kind among them.

Whatever is wrong is listed beside it, with the code that `cameo check` must give: all of it, and nothing else.
"""

import io
import unicodedata

from PIL import Image

FIRST = 1001
SIZE = (700, 700)
# Entities whose photos are damaged later, behind Cameo's back.
DAMAGED = range(1101, 1107)


def photo(number, size=SIZE, quality=80):
    """A JPEG of its own for each number, quick to draw."""
    image = Image.linear_gradient("L").resize(size)
    bands = [image.point([(level * (k + 1 + number // 256) + number * (7 + k)) % 256 for level in range(256)]) for k in range(3)]
    file = io.BytesIO()
    Image.merge("RGB", bands).save(file, "JPEG", quality=quality)
    return file.getvalue()


def inks(number):
    file = io.BytesIO()
    Image.new("CMYK", SIZE, (number % 200, 30, 60, 10)).save(file, "JPEG")
    return file.getvalue()


def png():
    file = io.BytesIO()
    Image.new("RGB", (64, 64), "teal").save(file, "PNG")
    return file.getvalue()


def arithmetic(number):
    """A file that says it is coded arithmetically, which no browser shows."""
    return photo(number).replace(b"\xff\xc0", b"\xff\xc9", 1)


def with_frame(number, at, value):
    """A photo whose frame header (ITU T.81, B.2.2) says something else, from a byte of it on: 4 the precision, 5 height and width."""
    data = photo(number)
    frame = data.index(b"\xff\xc0") + at
    return data[:frame] + value + data[frame + len(value) :]


class Folder:
    """A folder that is being filled, with what a check must find in it."""

    def __init__(self, path):
        self.path = path
        self.expected = set()
        self.warned = set()
        self.ready = set()
        path.mkdir(parents=True)

    def add(self, name, content, *codes, ready=None):
        """A file with the errors that it must have; ready to be sent where it has none."""
        target = self.path / name
        target.parent.mkdir(exist_ok=True)
        target.write_bytes(content)
        self.expected |= {(name, code) for code in codes}
        if ready if ready is not None else not codes:
            self.ready.add(name)

    def warn(self, name, content, code):
        self.add(name, content)
        self.warned.add((name, code))

    @property
    def listed(self):
        """What the person in charge says was handed over."""
        return self.path.parent / f"{self.path.name}-list.csv"


def bad_day(path, entities):
    """So many entities, with 21 kinds of findings: those of files and names, of the set, and of the list."""
    folder = Folder(path)
    add = folder.add
    add("1001_0.JPG", photo(1001), "name.extension")
    add("1002_0.jpeg", photo(1002), "name.extension")
    add("１００３_0.jpg", photo(1003), "name.digits")
    add("001004_0.jpg", photo(1004), "name.digits")
    add("1005.jpg", photo(1005), "name.unparseable")
    add("1006-0.jpg", photo(1006), "name.unparseable")
    add("1007_0 (1).jpg", photo(1007), "name.unparseable")
    add("second batch/1008_0.jpg", photo(1008), "name.subfolder")
    add(unicodedata.normalize("NFD", "1009_0 가.jpg"), photo(1009), "name.normalisation")
    add("1010_0\u200b.jpg", photo(1010), "name.normalisation")
    add("1013_0.JPG", photo(1013), "name.duplicate")
    add("1013_0.jpg", photo(3013), ready=False)
    add("1014_0.jpg", b"", "file.empty")
    add("1015_0.jpg", png(), "file.not_jpeg")
    add("1016_0.jpg", photo(1016)[:-4000], "file.truncated")
    add("1017_0.jpg", photo(1017).replace(b"\xff\xda", b"\xff\xb0", 1), "file.corrupt")
    add("1018_0.jpg", arithmetic(1018), "file.unsupported_process")
    add("1024_0.jpg", with_frame(1024, 5, (60_000).to_bytes(2, "big") * 2), "file.too_many_pixels")
    add("1025_0.jpg", with_frame(1025, 4, b"\x0c"), "file.unsupported_precision")
    add("notes.txt", "금요일까지 등록해 주세요\n".encode(), "name.unparseable")
    # Numbers that do not run from 0 without a gap: the photos can be sent all the same.
    for name in ("1011_1.jpg", "1012_0.jpg", "1012_2.jpg"):
        add(name, photo(int(name[:4]) * 10 + int(name[5])))
    folder.gaps = {1011, 1012}
    folder.warn("1019_0.jpg", photo(1019, (50, 50)), "file.smaller_than_size")
    folder.warn("1020_0.jpg", photo(1020, (9000, 700), 50), "file.extreme_shape")
    folder.warn("1021_0.jpg", inks(1021), "file.cmyk")
    same = photo(1022)
    add("1022_0.jpg", same)
    folder.warn("1023_0.jpg", same, "file.duplicate_content")
    add(".DS_Store", b"\0\0\0\1Bud1", ready=False)
    for cd_idx in range(1026, FIRST + entities):
        add(f"{cd_idx}_0.jpg", photo(cd_idx))
    # The list promises two entities that nobody sent, does not know one that is there, and has a cell that says nothing.
    promised = [cd_idx for cd_idx in range(FIRST, FIRST + entities) if cd_idx != 1030] + [4001, 4002]
    folder.listed.write_text("cd_idx\n" + "\n".join(map(str, promised)) + "\n확인 중\n", encoding="utf-8-sig")
    folder.promised_and_missing, folder.unlisted = {4001, 4002}, {1030}
    # Whatever the list does not name is left out until somebody says that it is meant.
    folder.ready.remove("1030_0.jpg")
    return folder


def clean(path, photos):
    """So many photos without a fault."""
    folder = Folder(path)
    for number in range(photos):
        folder.add(f"{20_000 + number // 2}_{number % 2}.jpg", photo(number))
    return folder
