"""The console in headless Chromium: what a person sees and does, in Korean first, whatever the files were called.

A whole day of an operator, what somebody hostile tries, and what axe-core finds is `e2e/console`.
"""

import json
from urllib.parse import quote

import http_get
import photos
import places
import pytest
from browser import Browser, is_installed
from server import Server

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
ARROW_DOWN = "\ue015"
ESCAPE = "\ue00c"


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
        browser.view(1280)
        yield browser


def has(shop, path):
    return http_get.get(shop.console_url + path).status != 404


def needs(shop, path):
    if not has(shop, path):
        pytest.skip(f"THE API HAS NO {path}")


def load_images(browser):
    """Loads every image, those below the window too; returns how many loaded and how many failed."""
    script = """
        const images = [...document.images];
        images.forEach(image => image.loading = 'eager');
        return Promise.all(images.map(image => image.decode().then(() => image.naturalWidth > 0, () => false)));
    """
    loaded = browser.run(script)
    return loaded.count(True), loaded.count(False)


def fits(browser):
    return browser.run("return document.documentElement.scrollWidth <= document.documentElement.clientWidth")


def test_home_counts_every_vertical_and_lists_what_was_handed_over(shop, browser):
    browser.open(shop.console_url)
    text = browser.texts("#verticals")[0]
    assert "ssgdfm_eye" in text and "패션" in text
    assert "file.not_jpeg" in text and "name.unparseable" in text
    assert browser.run("return document.documentElement.lang") == "ko"
    assert "조치가 필요합니다" in browser.texts("#sentence h1")[0]
    rows = browser.texts("#delivery-rows tbody tr")
    assert any("ssgdfm_eye" in row for row in rows) and any("60" in row and "패션" in row for row in rows), rows
    assert browser.log() == [], "the page loads without a complaint of the browser"


def test_a_vertical_shows_every_rendition_as_it_is_served(shop, browser):
    browser.open(f"{shop.console_url}/verticals/ssgdfm_eye")
    assert load_images(browser) == (4 * 13, 0)
    assert len(browser.texts("#entities tr.photo")) == 13 + 2
    assert browser.texts("#entities .badge.good") == ["✓완료"] * 10
    assert browser.log() == [], "the page loads without a complaint of the browser"
    # Each column shows the image size that its head names, at an address of this very content.
    columns = browser.texts("#entities thead th")[3:]
    shown = "return [...document.querySelectorAll('#entities tr.photo')].map(row => [...row.querySelectorAll('img')].map(image => image.src))"
    for addresses in filter(None, browser.run(shown)):
        assert [address.split("/")[-2] for address in addresses] == columns == ["sq", "ve", "ho", "or"]
        assert all("?v=" in address for address in addresses)


def test_what_was_rejected_has_its_reason_and_who_must_act(shop, browser):
    needs(shop, "/api/v1/attention")
    browser.open(f"{shop.console_url}/attention?vertical=ssgdfm_eye")
    rows = browser.texts("#work tbody tr")
    assert len(rows) == 3 + len(HOSTILE_NAMES)
    assert fits(browser), "a long name is wrapped"
    groups = browser.texts("#work section.group")
    for name, reason in (("9_0.jpg", "file.not_jpeg"), ("8_0.jpg", "file.empty"), ("notes.txt", "name.unparseable")):
        (group,) = [group for group in groups if name in group]
        assert reason in group
    # A slash in a name is a folder; the whole key is the title.
    assert {name.split("/")[-1] for name in HOSTILE_NAMES} <= set(browser.texts("#work .file"))
    titles = browser.run("return [...document.querySelectorAll('#work .file')].map(file => file.title)")
    assert {f"origin/ssgdfm_eye/{name}" for name in HOSTILE_NAMES} <= set(titles)


def test_english_is_one_click_away_and_back(shop, browser):
    browser.open(f"{shop.console_url}/verticals/ssgdfm_eye")
    browser.click("footer a.lang")
    assert browser.run("return document.documentElement.lang") == "en"
    assert browser.texts("#entities .badge.good") == ["✓complete"] * 10
    browser.click("a.brand")
    assert browser.run("return document.documentElement.lang") == "en", "the language stays while one looks around"
    browser.click("footer a.lang")
    assert browser.run("return document.documentElement.lang") == "ko"


def test_hostile_names_fit_the_window(shop, browser):
    """That they do nothing is looked at by e2e/console."""
    names = [quote(name, safe="") for name in HOSTILE_NAMES]
    pages = ["/", "/attention", f"/search?q={names[0]}", f"/search?q={names[1]}", f"/attention?q={names[1]}", f"/activity?actor={names[0]}"]
    pages += [f"/verticals/ssgdfm_eye?{name}={names[1]}" for name in ("cd_idx", "after", "before", "lang", "state")]
    pages += [f"/login?next={names[0]}", f"/upload?vertical={names[1]}", f"/lookup?vertical={names[1]}", f"/deliveries/{names[0]}"]
    for page in pages:
        browser.open(shop.console_url + page)
        assert fits(browser), page


def test_pages_follow_each_other_and_every_entity_is_on_one(shop, browser):
    browser.open(f"{shop.console_url}/verticals/{quote('패션')}")
    seen = []
    while True:
        seen += browser.texts("#entities tbody strong")
        if not browser.texts("#next"):
            break
        browser.click("#next")
    assert sorted(seen, key=int) == [str(n + 1) for n in range(PAGED)]
    if browser.texts("#previous"):
        before = []
        while True:
            before = browser.texts("#entities tbody strong") + before
            if not browser.texts("#previous"):
                break
            browser.click("#previous")
        assert before == seen, "the way back leads over the same pages"


def test_one_entity_is_found_by_its_number(shop, browser):
    browser.open(f"{shop.console_url}/verticals/ssgdfm_eye")
    browser.run("document.querySelector('input[name=cd_idx]').value = '351523'")
    browser.click("form.jump button")
    assert browser.texts("#entities tbody strong") == ["351523"]
    browser.open(f"{shop.console_url}/verticals/ssgdfm_eye?cd_idx=4711")
    assert browser.texts("#none") == ["해당하는 엔티티가 없습니다."]


def test_an_entity_has_a_page_with_everything_that_is_known(shop, browser):
    browser.open(f"{shop.console_url}/verticals/ssgdfm_eye/351523")
    loaded, _ = load_images(browser)
    assert loaded >= 4 * 2
    assert "등록" in browser.texts("#history")[0]
    browser.click("form[action$='/verify'] button")
    assert "완료" in browser.texts("#proof h2")[0]
    browser.open(f"{shop.console_url}/verticals/ssgdfm_eye/4711")
    assert "올라온 적이 없습니다" in browser.texts("#never-came")[0]


def test_a_missing_rendition_is_shown_as_missing_and_found_by_verifying(shop, browser):
    shop.put("1_0.jpg", photos.draw("lost", size=(64, 64)), vertical="lost")
    shop.wait_until_quiet()
    shop.s3().delete_object(Bucket="celebtide", Key="lost/sq/1_sq_0.jpg")
    browser.open(f"{shop.console_url}/verticals/lost?cd_idx=1")
    load_images(browser)
    browser.wait("return document.querySelectorAll('#entities .hole').length")
    assert browser.texts("#entities .hole") == ["✕ 없음"]
    browser.open(f"{shop.console_url}/verticals/lost/1")
    browser.click("form[action$='/verify'] button")
    assert "불일치" in browser.texts("#proof h2")[0] and browser.texts("#proof li")


def test_a_file_is_dismissed_with_a_note_and_brought_back(shop, browser):
    work = f"{shop.console_url}/attention?vertical=ssgdfm_eye"
    browser.open(work)
    browser.run("[...document.querySelectorAll('#work tr')].find(row => row.innerText.includes('notes.txt')).querySelector('input').click()")
    assert browser.texts("[data-chosen]") == ["1 선택"]
    browser.run("document.querySelector('[name=note]').value = '<b>필요 없는 파일</b>'")
    browser.click("button[value=dismiss]")
    assert browser.texts("main h1") == ["정리함: 1건"]
    undo = browser.address()
    browser.click("form[action='/attention/undo'] button")
    assert "1건 되돌렸습니다" in browser.texts(".notice")[0], undo
    shop.wait_until_quiet()
    browser.open(work)
    assert "notes.txt" in browser.texts("#work .file")


def test_one_box_finds_ids_files_and_verticals(shop, browser):
    for asked, found in (("351523", "351523"), ("notes.txt", "notes.txt"), ("패션", "패션"), ("351523_1.jpg", "351523_1.jpg")):
        browser.open(f"{shop.console_url}/search?q={quote(asked)}")
        assert found in " ".join(browser.texts("#hits tbody th")), asked
    browser.open(f"{shop.console_url}/search?q=nosuchthing")
    assert browser.texts("#none")


def test_home_follows_what_happens_without_a_reload(shop, browser):
    browser.open(shop.console_url)
    browser.run("window.same = true")
    shop.put("1_0.jpg", photos.draw("live", size=(64, 64)), vertical="live")
    browser.wait("return [...document.querySelectorAll('#verticals tbody tr')].some(row => /^live/.test(row.innerText.trim()) && row.innerText.includes('1'))")
    assert browser.run("return window.same") is True


def test_keys_help_whoever_knows_them(shop, browser):
    browser.open(f"{shop.console_url}/verticals/ssgdfm_eye")
    browser.press("/")
    assert browser.run("return document.activeElement.name") == "q"
    browser.press("?", "x")
    assert browser.run("return document.activeElement.value") == "?x", "in a field, keys are letters"
    browser.press(ESCAPE)
    browser.press(ARROW_DOWN, ARROW_DOWN)
    assert browser.run("return document.activeElement.closest('tr').rowIndex") == 2
    browser.press("?")
    assert browser.run("return document.querySelector('#help').open") is True
    browser.press(ESCAPE)
    composing = """
        const event = new KeyboardEvent('keydown', {key: '/', isComposing: true, bubbles: true, cancelable: true});
        document.activeElement.blur();
        document.body.dispatchEvent(event);
        return [event.defaultPrevented, document.activeElement.name];
    """
    assert browser.run(composing) == [False, None], "Hangul is composed in peace"


def test_a_hand_over_that_was_broken_off_goes_on_after_a_reload(shop, browser):
    """The browser keeps the folder, here one of its own file system, and the server what was sent of it already."""
    shop.put("910_0.jpg", photos.draw("resumed 0", size=(80, 80)), vertical="sample_shop")
    browser.open(f"{shop.console_url}/upload")
    contents = [list(photos.draw(f"resumed {n}", size=(80, 80))) for n in range(2)]
    keep = """
        const [contents] = arguments;
        const root = await navigator.storage.getDirectory();
        const folder = await root.getDirectoryHandle('남은 사진', {create: true});
        for (const [n, bytes] of contents.entries()) {
            const file = await (await folder.getFileHandle(`${910 + n}_0.jpg`, {create: true})).createWritable();
            await file.write(new Uint8Array(bytes));
            await file.close();
        }
        await new Promise((done, failed) => {
            const opening = indexedDB.open('cameo', 1);
            opening.onupgradeneeded = () => opening.result.createObjectStore('folders');
            opening.onsuccess = () => {
                const change = opening.result.transaction('folders', 'readwrite');
                change.objectStore('folders').put({folder, vertical: 'sample_shop', note: '', skip: false}, 'unfinished');
                change.oncomplete = () => { opening.result.close(); done(); };
                change.onerror = failed;
            };
        });
    """
    browser.run(f"return (async (...arguments) => {{ {keep} }})(...arguments)", contents)
    browser.open(f"{shop.console_url}/upload")
    browser.wait("return !document.querySelector('[data-resume]').hidden")
    assert "남은 사진 → sample_shop" in browser.texts("[data-resume]")[0]
    browser.run("document.querySelector('[data-resume] button').click()")
    browser.wait("return location.pathname.startsWith('/deliveries/')")
    shop.wait_until_quiet()
    browser.open(browser.address())
    assert "2 게시 중" in browser.texts("main")[0].replace("✓ ", "")
    browser.open(f"{shop.console_url}/upload")
    assert browser.run("return document.querySelector('[data-resume]').hidden") is True, "nothing is left to go on with"


PAGES = {
    "home": "/",
    "attention": "/attention",
    "vertical": "/verticals/ssgdfm_eye",
    "entity": "/verticals/ssgdfm_eye/351523",
    "delivery": None,
    "lookup": "/lookup",
    "upload": "/upload",
    "activity": "/activity",
    "health": "/health",
    "reconcile": "/reconcile",
    "people": "/people",
    "login": "/login",
    "missing": "/nosuch",
}


def pages(shop):
    """Where each page is. The day on which this runs has a name of its own."""
    day = http_get.get(f"{shop.console_url}/api/v1/days?vertical=ssgdfm_eye").body
    return PAGES | {"delivery": f"/deliveries/{json.loads(day)['items'][0]['delivery']}"}


def test_every_page_fits_every_window_in_both_colours(shop, browser):
    # What this server has not yet is a page that says so.
    try:
        for lang in ("ko", "en"):
            for name, path in pages(shop).items():
                for width, dark in ((1440, False), (1440, True), (1024, False), (390, False), (390, True)):
                    browser.view(width, dark)
                    browser.open(f"{shop.console_url}{path}?lang={lang}")
                    load_images(browser)
                    browser.picture(places.screenshots() / f"{name}.{lang}.{width}{'.dark' if dark else ''}.png")
                    assert fits(browser), f"{path} in {lang} at {width} px"
        # 200 % of a window of 1280 pixels is as wide as one of 640.
        for path in pages(shop).values():
            browser.view(640)
            browser.open(shop.console_url + path)
            assert fits(browser), f"{path} at 200 %"
    finally:
        browser.view(1280)
        browser.open(f"{shop.console_url}/?lang=ko")


def test_a_browser_that_prefers_english_gets_it(shop):
    answer = http_get.get(f"{shop.console_url}/", Accept_Language="en-GB,en;q=0.9")
    assert '<html lang="en"' in answer.body.decode()
    assert '<html lang="ko"' in http_get.get(f"{shop.console_url}/").body.decode()


def test_a_page_is_light(shop):
    """Script and style of a page, as they are sent: an old laptop must not wait."""
    for path in ("/", "/upload", "/verticals/ssgdfm_eye/351523"):
        page = http_get.get(shop.console_url + path).body.decode()
        files = {text for text in page.split('"') if text.startswith("/static/") and text.endswith((".js", ".css"))}
        weights = [len(http_get.get(shop.console_url + file).body) for file in files]
        assert len(weights) >= 2 and sum(weights) <= 60_000, (path, weights)


def test_foreign_host_names_are_refused(shop):
    assert http_get.get(f"{shop.console_url}/", Host="evil.example").status == 421
    policy = http_get.get(f"{shop.console_url}/").headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "unsafe" not in policy
