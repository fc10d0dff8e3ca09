"""The page's ES modules, called one by one in a browser."""

from typing import Any

from playwright.sync_api import Page

CALL = "([module, argument]) => import(new URL(module, document.baseURI).href).then((module) => (%s)(module, argument))"


class Modules:
    """Runs functions with the modules of the page's address."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def call(self, module: str, function: str, argument: object = None) -> Any:
        """Calls a JavaScript function with the module's exports and the argument.

        Returns its result as JSON.
        """
        return self.page.evaluate(CALL % function, [module, argument])
