"""`cameo render` on the corpus of odd, damaged and hostile files: what must be accepted, what rejected and why."""

import csv

import pytest
from places import CORPUS
from server import cameo

# Lines of the manifest that leave both verdicts open.
EITHER = "either"


def expected():
    with (CORPUS / "manifest.tsv").open(newline="") as file:
        return list(csv.DictReader(file, delimiter="\t"))


def fault(entry, answer):
    """What is wrong with the answer; none where it is as the manifest says."""
    if entry["expect"] == EITHER:
        return None
    said = (answer["state"], answer["reason"])
    if entry["expect"] == "reject":
        return None if said == ("rejected", entry["reason"]) else f"is {said}, not rejected as {entry['reason']}"
    if answer["state"] != "rendered":
        return f"is {said}, not rendered"
    size, wanted = (answer["width"], answer["height"]), (int(entry["orient_w"]), int(entry["orient_h"]))
    # Where EXIF is damaged, the manifest leaves open whether its orientation counts.
    is_open = "orientation may be ignored" in entry["odd"]
    return None if size == wanted or (is_open and size == wanted[::-1]) else f"is {size}, not {wanted}"


@pytest.mark.skipif(not CORPUS.is_dir(), reason=f"NO CORPUS at {CORPUS}")
def test_the_corpus_is_judged_as_its_manifest_says(tmp_path, capsys):
    entries = expected()
    answer = cameo("render", *(entry["file"] for entry in entries), "--out", tmp_path / "out", cwd=CORPUS)
    assert len(answer.lines) == len(entries), f"exit {answer.returncode}: {answer.stderr[-2000:]}"
    faults = {entry["file"]: found for entry, line in zip(entries, answer.lines) if (found := fault(entry, line))}
    with capsys.disabled():
        print(f"\ncorpus: {len(faults)} faults in {len(entries)} files")
    assert not faults, "\n".join(f"{file} {found}" for file, found in faults.items())
