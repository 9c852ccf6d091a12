"""A headless Chromium, driven over the WebDriver protocol (W3C WebDriver) with nothing but HTTP."""

import base64
import json
import re
import shutil
import subprocess
import time
import urllib.error
import urllib.request

# How long a page may take to follow a click.
PAGE_TIMEOUT_S = 20

# A cold start on a busy machine takes its time; a page that hangs has failed long before.
TIMEOUT_S = 120
ELEMENT = "element-6066-11e4-a52e-4f735466cecf"
# Width and height in pixels; the height of what stands above the page in it, and of the highest screenshot.
WINDOW = (1280, 1000)
ABOVE_THE_PAGE = 150
HIGHEST = 6000
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--window-size=%d,%d" % WINDOW,
]


def is_installed():
    return bool(shutil.which("chromium") and shutil.which("chromedriver"))


class Browser:
    """One browser with a profile of its own, as a context."""

    def __init__(self, profile, language, *flags):
        self.profile = profile
        self.language = language
        self.flags = flags

    def __enter__(self):
        self.driver = subprocess.Popen(["chromedriver", "--port=0"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        try:
            self.url = f"http://127.0.0.1:{self._port()}"
            flags = [*FLAGS, *self.flags, f"--user-data-dir={self.profile}", f"--lang={self.language}", f"--accept-lang={self.language}"]
            options = {"args": flags, "binary": shutil.which("chromium")}
            wanted = {"goog:chromeOptions": options, "goog:loggingPrefs": {"browser": "ALL"}}
            session = self._ask("POST", "/session", {"capabilities": {"alwaysMatch": wanted}})
            self.url += f"/session/{session['sessionId']}"
        except BaseException:
            self._end_driver()
            raise
        return self

    def __exit__(self, *_):
        try:
            self._ask("DELETE", "")
        finally:
            self._end_driver()

    def _end_driver(self):
        self.driver.terminate()
        self.driver.wait(TIMEOUT_S)
        self.driver.stdout.close()

    def _port(self):
        for line in self.driver.stdout:
            if found := re.search(r"started successfully on port (\d+)", line):
                return int(found[1])
        raise AssertionError(f"chromedriver ended with {self.driver.wait()}")

    def _ask(self, method, path, content=None):
        body = json.dumps(content).encode() if content is not None else None
        request = urllib.request.Request(self.url + path, body, {"Content-Type": "application/json"}, method=method)
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{method} {path}: {error.read().decode()}") from error

    def open(self, url):
        """Opens a page and waits until it has loaded."""
        self._ask("POST", "/url", {"url": url})

    def run(self, script, *arguments):
        """What a script that runs in the page returns."""
        return self._ask("POST", "/execute/sync", {"script": script, "args": list(arguments)})

    def texts(self, selector):
        """The visible texts of the elements that match."""
        return self.run("return [...document.querySelectorAll(arguments[0])].map(e => e.innerText.trim())", selector)

    def click(self, selector):
        """Clicks as a person does, and waits until the page that follows has loaded."""
        element = self._ask("POST", "/element", {"using": "css selector", "value": selector})[ELEMENT]
        # A form is sent after the click has been answered: only a mark on the old page tells when the new one is there.
        self.run("window.left = true")
        self._ask("POST", f"/element/{element}/click", {})
        deadline = time.monotonic() + PAGE_TIMEOUT_S
        while self.run("return window.left === true || document.readyState !== 'complete'"):
            assert time.monotonic() < deadline, f"no page followed the click on {selector}"

    def address(self):
        return self._ask("GET", "/url")

    def log(self):
        """What the page wrote to the browser's console, errors of loading included."""
        return self._ask("POST", "/se/log", {"type": "browser"})

    def screenshot(self, path):
        """A picture of the whole page."""
        self._resize(WINDOW[1])
        height = self.run("return document.documentElement.scrollHeight")
        self._resize(min(height + ABOVE_THE_PAGE, HIGHEST))
        path.write_bytes(base64.b64decode(self._ask("GET", "/screenshot")))

    def cdp(self, command, **parameters):
        """A command of the Chrome DevTools Protocol."""
        return self._ask("POST", "/goog/cdp/execute", {"cmd": command, "params": parameters})

    def view(self, width, dark=False):
        """Shows pages as a window of this width does, in light or dark colours."""
        self.cdp("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=False)
        colours = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.cdp("Emulation.setEmulatedMedia", features=[colours])

    def picture(self, path):
        """A picture of the whole page as `view` has it."""
        height = min(self.run("return document.documentElement.scrollHeight"), HIGHEST)
        width = self.run("return window.innerWidth")
        clip = {"x": 0, "y": 0, "width": width, "height": height, "scale": 1}
        shot = self.cdp("Page.captureScreenshot", format="png", captureBeyondViewport=True, clip=clip)
        path.write_bytes(base64.b64decode(shot["data"]))

    def press(self, *keys):
        """Presses keys, one after the other, wherever the focus is."""
        actions = [{"type": kind, "value": key} for key in keys for kind in ("keyDown", "keyUp")]
        self._ask("POST", "/actions", {"actions": [{"type": "key", "id": "keyboard", "actions": actions}]})

    def choose_files(self, selector, paths):
        """Chooses files, or a folder, as the dialog of the system does."""
        element = self._ask("POST", "/element", {"using": "css selector", "value": selector})[ELEMENT]
        self._ask("POST", f"/element/{element}/value", {"text": "\n".join(str(path) for path in paths)})

    def wait(self, script, *arguments):
        """Waits until a script of the page returns something true, and returns it."""
        deadline = time.monotonic() + PAGE_TIMEOUT_S
        while not (found := self.run(script, *arguments)):
            assert time.monotonic() < deadline, f"never true: {script}"
            time.sleep(0.05)
        return found

    def _resize(self, height):
        self._ask("POST", "/window/rect", {"width": WINDOW[0], "height": height})
