"""Debian's Chromium without a screen, for tests that press and type; console errors and requests are collected."""

import json
import shutil

import pytest

PACKAGES = {"chromium": "chromium", "chromedriver": "chromium-driver"}  # program -> Debian package
OPTIONS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
PATIENCE = 20  # seconds


class Browser:
    """One browser; `open` a page, `run` JavaScript in it, `wait` for a condition.

    Attributes
    ----------
    driver : selenium.webdriver.Chrome
        For all else.
    """

    def __init__(self, folder):
        webdriver = pytest.importorskip("selenium.webdriver", reason="needs the package selenium, of the extra 'test'")
        missing = [package for program, package in PACKAGES.items() if not shutil.which(program)]
        if missing:
            pytest.skip(f"needs a browser: apt install {' '.join(missing)}")
        options = webdriver.ChromeOptions()
        options.binary_location = shutil.which("chromium")
        for option in (*OPTIONS, f"--user-data-dir={folder}"):
            options.add_argument(option)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        service = webdriver.ChromeService(shutil.which("chromedriver"))
        self.driver = webdriver.Chrome(options=options, service=service)
        self.driver.set_script_timeout(PATIENCE)
        permissions = ["clipboardReadWrite", "clipboardSanitizedWrite"]
        self.driver.execute_cdp_cmd("Browser.grantPermissions", {"permissions": permissions})
        self.size(1280, 1000)

    def open(self, url, ready=None):
        """Go to a page; with `ready`, a CSS selector, until there is such an element."""
        self.driver.get("about:blank")
        self.errors(), self.requests()
        self.driver.get(str(url))
        if ready:
            self.wait("return document.querySelector(arguments[0]) !== null", ready)

    def run(self, script, *arguments):
        """What a piece of JavaScript returns."""
        return self.driver.execute_script(script, *arguments)

    def wait(self, script, *arguments, seconds=PATIENCE):
        """What a piece of JavaScript returns once it is true."""
        from selenium.webdriver.support.ui import WebDriverWait

        wait = WebDriverWait(self.driver, seconds, poll_frequency=0.05)
        return wait.until(lambda driver: driver.execute_script(script, *arguments), f"never true: {script} {arguments}")

    def find(self, selector):
        """Element by CSS selector."""
        return self.driver.find_element("css selector", selector)

    def press(self, *keys, held=""):
        """Keys to whatever has the focus, while one of them is held."""
        from selenium.webdriver import ActionChains

        chain = ActionChains(self.driver)
        chain = chain.key_down(held).send_keys(*keys).key_up(held) if held else chain.send_keys(*keys)
        chain.perform()

    def size(self, width, height, *, dark=False):
        """Size of the page in pixels, and whether the reader wants it dark."""
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme]})

    def clipboard(self):
        """What has been copied."""
        return self.driver.execute_async_script("navigator.clipboard.readText().then(arguments[0])")

    def errors(self):
        """Messages of the console since the last call, warnings and broken policies among them."""
        found = self.driver.get_log("browser")
        return [entry["message"] for entry in found if entry["level"] in ("WARNING", "SEVERE")]

    def requests(self):
        """Addresses that were asked for since the last call."""
        events = [json.loads(entry["message"])["message"] for entry in self.driver.get_log("performance")]
        return [event["params"]["request"]["url"] for event in events if event["method"] == "Network.requestWillBeSent"]

    def picture(self, path):
        """Picture of the whole page, a PNG."""
        height = self.run("return document.documentElement.scrollHeight")
        width = self.run("return window.innerWidth")
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
        self.driver.save_screenshot(str(path))

    def close(self):
        """End the browser."""
        self.driver.quit()
