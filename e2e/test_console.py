"""The console in headless Chromium: what a person sees, in Korean first, whatever the files were called."""

import http_get
import photos
import places
import pytest
from browser import Browser, is_installed
from server import Server
from urllib.parse import quote

pytestmark = pytest.mark.skipif(not is_installed(), reason="CHROMIUM OR CHROMEDRIVER IS NOT INSTALLED: run scripts/test")

HOSTILE_NAMES = [
    "<script>document.title='broken'</script>",
    "\"><img src=x onerror=document.title='broken'>.jpg",
    "'; alert(1); '.jpg",
    "{{7*7}}.jpg",
    "한글 이름 + 100%.jpg",
    "a" * 200 + ".jpg",
]
PAGED = 60


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    """A server with a delivery beside strays, hostile names, and a vertical of more than one page."""
    folder = tmp_path_factory.mktemp("console")
    with Server(folder / "data") as server:
        delivery = photos.deliver(folder / "delivery")
        photos.add_strays(delivery)
        for path in delivery.iterdir():
            server.put(path.name, path.read_bytes())
        for name in HOSTILE_NAMES:
            server.put(name, b"no image")
        for name in ("x_0.jpg", "7_0.jpg"):
            server.put(name, b"no image", vertical="<script>document.title='broken'<")
        small = photos.draw("paged", size=(64, 64))
        for n in range(PAGED):
            server.put(f"{n + 1}_0.jpg", small, vertical="패션")
        server.wait_until_quiet()
        yield server


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    with Browser(tmp_path_factory.mktemp("profile"), "ko-KR") as browser:
        yield browser


def load_images(browser):
    """Loads every image, those below the window too; returns how many loaded and how many failed."""
    script = """
        const images = [...document.images];
        images.forEach(image => image.loading = 'eager');
        return Promise.all(images.map(image => image.decode().then(() => image.naturalWidth > 0, () => false)));
    """
    loaded = browser.run(script)
    return loaded.count(True), loaded.count(False)


def test_the_overview_counts_every_vertical(shop, browser):
    browser.open(shop.console_url)
    browser.screenshot(places.screenshots() / "overview.ko.png")
    text = browser.texts("#verticals")[0]
    assert "ssgdfm_eye" in text and "패션" in text
    assert "file.not_jpeg" in text and "name.unparseable" in text
    assert browser.run("return document.documentElement.lang") == "ko"
    assert "mycelebs-image-upload" in browser.texts("#queues")[0]


def test_a_vertical_shows_every_rendition_as_it_is_served(shop, browser):
    browser.open(f"{shop.console_url}/verticals/ssgdfm_eye")
    assert load_images(browser) == (4 * 13, 0)
    browser.screenshot(places.screenshots() / "vertical.ko.png")
    assert len(browser.texts("#entities tr.photo")) == 13 + 2
    assert browser.texts("#entities .state.complete") == ["완료"] * 10
    assert browser.log() == [], "the page loads without a complaint of the browser"
    # Each column shows the image size that its head names.
    columns = browser.texts("#entities thead th")[3:]
    shown = "return [...document.querySelectorAll('#entities tr.photo')].map(row => [...row.querySelectorAll('img')].map(image => image.src))"
    for addresses in filter(None, browser.run(shown)):
        assert [address.split("/")[-2] for address in addresses] == columns == ["sq", "ve", "ho", "or"]


def test_what_was_rejected_stands_there_with_its_reason(shop, browser):
    browser.open(f"{shop.console_url}/verticals/ssgdfm_eye")
    rejected = browser.texts("#rejected tbody tr")
    assert len(rejected) == 3 + len(HOSTILE_NAMES)
    fits = "return document.documentElement.scrollWidth <= document.documentElement.clientWidth"
    assert browser.run(fits), "a long name is wrapped"
    for name, reason in (("9_0.jpg", "file.not_jpeg"), ("8_0.jpg", "file.empty"), ("notes.txt", "name.unparseable")):
        (row,) = [row for row in rejected if name in row.split("\n")[0].split("\t")]
        assert reason in row


def test_english_is_one_click_away_and_back(shop, browser):
    browser.open(f"{shop.console_url}/verticals/ssgdfm_eye")
    browser.click("header a[hreflang=en]")
    assert browser.run("return document.documentElement.lang") == "en"
    assert browser.texts("#entities .state.complete") == ["complete"] * 10
    assert "The file has no bytes." in browser.texts("#rejected")[0]
    load_images(browser)
    browser.screenshot(places.screenshots() / "vertical.en.png")
    browser.click("header h1 a")
    assert browser.run("return document.documentElement.lang") == "en", "the language stays while one looks around"
    browser.click("header a[hreflang=ko]")
    assert browser.run("return document.documentElement.lang") == "ko"


def test_hostile_names_are_shown_and_do_nothing(shop, browser):
    browser.open(f"{shop.console_url}/verticals/ssgdfm_eye")
    shown = browser.texts("#rejected tbody td:first-child")
    assert set(HOSTILE_NAMES) <= set(shown)
    assert "broken" not in browser.run("return document.title")
    assert browser.run("return document.querySelectorAll('main script, img[onerror]').length") == 0
    browser.open(shop.console_url)
    assert "broken" not in browser.run("return document.title")
    for asked in (f"?cd_idx={quote(HOSTILE_NAMES[1])}", f"?after={quote(HOSTILE_NAMES[1])}", f"?lang={quote(HOSTILE_NAMES[1])}"):
        browser.open(f"{shop.console_url}/verticals/ssgdfm_eye{asked}")
        assert browser.run("return document.querySelectorAll('main script, img[onerror]').length") == 0
        assert "broken" not in browser.run("return document.title")


def test_pages_follow_each_other_and_every_entity_stands_on_one(shop, browser):
    browser.open(f"{shop.console_url}/verticals/{quote('패션')}")
    browser.screenshot(places.screenshots() / "paged.ko.png")
    seen = []
    while True:
        seen += browser.texts("#entities tbody strong")
        if not browser.texts("#next"):
            break
        browser.click("#next")
    assert sorted(seen, key=int) == [str(n + 1) for n in range(PAGED)]


def test_one_entity_is_found_by_its_number(shop, browser):
    browser.open(f"{shop.console_url}/verticals/ssgdfm_eye")
    browser.run("document.querySelector('input[name=cd_idx]').value = '351523'")
    browser.click("form button")
    assert browser.texts("#entities tbody strong") == ["351523"]
    browser.open(f"{shop.console_url}/verticals/ssgdfm_eye?cd_idx=4711")
    assert browser.texts("#none") == ["해당하는 엔티티가 없습니다."]


def test_a_missing_rendition_is_shown_as_missing(shop, browser):
    shop.s3().delete_object(Bucket="celebtide", Key="패션/sq/1_sq_0.jpg")
    browser.open(f"{shop.console_url}/verticals/{quote('패션')}?cd_idx=1")
    assert browser.texts("#entities .state.different")[0] == "불일치"
    assert "없음" in browser.texts("#entities .state.different")
    browser.screenshot(places.screenshots() / "missing.ko.png")


def test_a_browser_that_prefers_english_gets_it(shop, tmp_path):
    answer = http_get.get(f"{shop.console_url}/", Accept_Language="en-GB,en;q=0.9")
    assert '<html lang="en">' in answer.body.decode()
    assert '<html lang="ko">' in http_get.get(f"{shop.console_url}/").body.decode()


def test_foreign_host_names_are_refused(shop):
    assert http_get.get(f"{shop.console_url}/", Host="evil.example").status == 421
    policy = http_get.get(f"{shop.console_url}/").headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
