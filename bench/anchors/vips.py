"""The default size set by libvips, from originals that are in memory: what bench/compare and bench/quality hold the engine against.

usage: VIPS_CONCURRENCY=1 python vips.py FOLDER|- FILE...
  FOLDER  where renditions are written as {file}.{size}.jpg; -: nowhere

As its documentation advises: one decode that shrinks while it loads, to the largest rendition, from which the others are cut. Prints one JSON
object: tool, n, CPU and wall milliseconds per original, bytes of an original's renditions, peak memory in MiB. The first original is made once before.
"""

import json
import pathlib
import resource
import sys
import time

import pyvips

INSIDE = 1280
CROPPED = {"sq": (320, 320), "ve": (480, 640), "ho": (640, 360)}
QUALITY = 82


def renditions(original):
    """The renditions of an original, by size."""
    whole = pyvips.Image.thumbnail_buffer(original, INSIDE, height=INSIDE, size="down").copy_memory()
    images = {"or": whole} | {size: whole.thumbnail_image(width, height=height, crop="centre") for size, (width, height) in CROPPED.items()}
    return {size: image.jpegsave_buffer(Q=QUALITY, keep="none") for size, image in images.items()}


def cpu_seconds():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def main(folder, *names):
    pyvips.cache_set_max(0)
    originals = [(pathlib.Path(name), pathlib.Path(name).read_bytes()) for name in names]
    renditions(originals[0][1])
    written, cpu, wall = 0, cpu_seconds(), time.perf_counter()
    for path, original in originals:
        for size, jpeg in renditions(original).items():
            written += len(jpeg)
            if folder != "-":
                (pathlib.Path(folder) / f"{path.name}.{size}.jpg").write_bytes(jpeg)
    cpu, wall = cpu_seconds() - cpu, time.perf_counter() - wall
    each = len(originals)
    print(json.dumps({
        "tool": "libvips " + ".".join(str(pyvips.version(part)) for part in range(3)),
        "n": each,
        "cpu_ms": round(cpu * 1000 / each, 2),
        "wall_ms": round(wall * 1000 / each, 2),
        "bytes": written // each,
        "rss_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }))


if __name__ == "__main__":
    main(*sys.argv[1:])
