"""The public images, as a browser or a CDN asks for them (RFC 9110)."""

import http_get
import photos
import pytest
from server import Server


@pytest.fixture(scope="module")
def image(tmp_path_factory):
    """The address of one rendition of a registered photo."""
    with Server(tmp_path_factory.mktemp("images") / "data") as server:
        server.put("7_0.jpg", photos.draw("7_0"))
        server.put("7_1.jpg", photos.draw("7_1"))
        server.put("한글_0.jpg", photos.draw("stray"))
        server.wait_until_quiet()
        yield f"{server.images_url}/ssgdfm_eye/sq/7_sq_0.jpg"


def test_an_image_comes_with_all_its_headers(image):
    answer = http_get.get(image)
    assert answer.status == 200
    assert answer.body.startswith(b"\xff\xd8\xff")
    assert answer.headers["Content-Type"] == "image/jpeg"
    assert answer.headers["Content-Length"] == str(len(answer.body))
    assert answer.headers["Cache-Control"] == "public, max-age=60"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Accept-Ranges"] == "bytes"
    assert answer.headers["Last-Modified"].endswith("GMT")
    etag = answer.headers["ETag"]
    assert etag[0] == etag[-1] == '"', f"a strong ETag is quoted and has no W/: {etag}"


def test_head_has_the_headers_of_get_and_no_body(image):
    get, head = http_get.get(image), http_get.get(image, "HEAD")
    assert (head.status, head.body) == (200, b"")
    for name in ("ETag", "Content-Length", "Content-Type", "Last-Modified", "Cache-Control"):
        assert head.headers[name] == get.headers[name], name


def test_a_client_that_has_the_image_is_told_so(image):
    first = http_get.get(image)
    etag, modified = first.headers["ETag"], first.headers["Last-Modified"]
    for condition in ({"If_None_Match": etag}, {"If_None_Match": f'"other", W/{etag}'}, {"If_Modified_Since": modified}):
        again = http_get.get(image, **condition)
        assert (again.status, again.body) == (304, b""), condition
        assert again.headers["ETag"] == etag
        assert again.headers["Cache-Control"] == first.headers["Cache-Control"]
    assert http_get.get(image, If_None_Match='"other"').status == 200
    assert http_get.get(image, If_Match='"other"').status == 412


@pytest.mark.parametrize(("asked", "part"), [("bytes=0-9", slice(0, 10)), ("bytes=-7", slice(-7, None)), ("bytes=9-", slice(9, None))])
def test_a_range_is_answered_with_that_part(image, asked, part):
    whole = http_get.get(image).body
    answer = http_get.get(image, Range=asked)
    assert (answer.status, answer.body) == (206, whole[part])
    start = part.indices(len(whole))[0]
    assert answer.headers["Content-Range"] == f"bytes {start}-{start + len(answer.body) - 1}/{len(whole)}"


def test_a_range_beyond_the_end_is_refused(image):
    length = len(http_get.get(image).body)
    answer = http_get.get(image, Range=f"bytes={length}-")
    assert (answer.status, answer.headers["Content-Range"]) == (416, f"bytes */{length}")


@pytest.mark.parametrize("asked", ["bytes=9-2", "bytes=a-b", "bytes=", "items=0-1", "bytes=--1", "bytes=0-1,4-5"])
def test_a_range_that_is_none_is_passed_over(image, asked):
    """RFC 9110, section 14.2: what is no range, or in another unit, is as if it were not there; of several, all is sent."""
    answer = http_get.get(image, Range=asked)
    assert (answer.status, answer.body) == (200, http_get.get(image).body)


def test_a_range_of_an_image_that_changed_is_the_whole_image(image):
    answer = http_get.get(image, Range="bytes=0-9", If_Range='"other"')
    assert (answer.status, len(answer.body)) == (200, len(http_get.get(image).body))


@pytest.mark.parametrize("path", ["", "ssgdfm_eye/sq/", "ssgdfm_eye/sq/8_sq_0.jpg", "ssgdfm_eye/sq/7_ve_0.jpg", "%00", "../cameo.db", "origin/ssgdfm_eye/7_0.jpg"])
def test_what_is_no_image_is_not_found_and_not_cached(image, path):
    answer = http_get.get(image.removesuffix("ssgdfm_eye/sq/7_sq_0.jpg") + path)
    assert (answer.status, answer.headers["Cache-Control"]) == (404, "no-store")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_nothing_but_reading_is_allowed(image, method):
    answer = http_get.get(image, method)
    assert (answer.status, answer.headers["Allow"]) == (405, "GET, HEAD")


def test_the_alias_is_the_primary_photo(image):
    alias = http_get.get(image.replace("7_sq_0.jpg", "7.jpg"))
    primary = http_get.get(image)
    assert (alias.status, alias.body) == (200, primary.body)
    assert alias.headers["ETag"] == primary.headers["ETag"]
    assert alias.headers["Content-Type"] == "image/jpeg"
