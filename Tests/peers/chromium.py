"""Debian's Chromium, driven headless."""

import shutil

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.service import Service

BINARY = shutil.which("chromium")
DRIVER = shutil.which("chromedriver")

needed = pytest.mark.skipif(not (BINARY and DRIVER), reason="chromium and chromedriver are not installed")


def start(*arguments):
    options = webdriver.ChromeOptions()
    options.binary_location = BINARY
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-proxy-server",
                     "--force-color-profile=srgb", *arguments):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    return webdriver.Chrome(options=options, service=Service(DRIVER))
