"""The page's ES modules, called one by one in a browser: a fresh machine has no other JavaScript engine."""

from typing import Any

from playwright.sync_api import Page

CALL = "([module, argument]) => import(new URL(module, document.baseURI).href).then((module) => (%s)(module, argument))"


class Modules:
    """Runs functions next to the modules that `page`'s own address serves."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def call(self, module: str, function: str, argument: object = None) -> Any:
        """What the JavaScript `function` makes of the module's exports and the argument; all of it JSON."""
        return self.page.evaluate(CALL % function, [module, argument])
