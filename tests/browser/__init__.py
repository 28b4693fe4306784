"""A real browser for tests: headless Chromium, driven over its DevTools protocol."""

from tests.browser.chromium import Chromium, chromium
from tests.browser.page import Page

__all__ = ["Chromium", "Page", "chromium"]
