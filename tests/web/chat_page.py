"""The chat page as a user has it: its elements by role and label."""

from playwright.sync_api import ConsoleMessage, Page, Request, expect

STREAM = "api/chat/stream"


class ChatPage:
    """Wraps a page with the chat, and records its requests and its console."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.input = page.get_by_label("Message")
        self.send = page.get_by_role("button", name="Send")
        self.stop = page.get_by_role("button", name="Stop")
        self.model = page.get_by_label("Model")
        self.status = page.get_by_role("status")
        self.exchanges = page.get_by_role("article")
        self.answer = self.exchanges.last.locator(".answer")
        self.requests: list[Request] = []
        self.noise: list[str] = []
        self.network_changed = False
        page.on("request", self._count)
        page.on("console", self._note)
        page.on("pageerror", lambda error: self.noise.append(str(error)))

    def open(self, url: str) -> None:
        """Loads the page, and reloads it if the machine's network
        changes, as at the start of a container.

        Chromium then aborts every request, even one to loopback.
        """
        self.page.goto(url)
        if self.network_changed:
            self.page.goto(url)

    def ask(self, message: str) -> None:
        self.input.fill(message)
        self.input.press("Enter")

    def questions_sent(self) -> int:
        return sum(request.url.endswith(STREAM) for request in self.requests)

    def expect_ready(self) -> None:
        """Whether the next message can be written and sent."""
        expect(self.send).to_be_enabled()
        expect(self.stop).to_be_hidden()
        expect(self.input).to_be_editable()
        expect(self.input).to_be_focused()

    def expect_busy(self) -> None:
        expect(self.send).to_be_disabled()
        expect(self.stop).to_be_visible()

    def _count(self, request: Request) -> None:
        self.requests.append(request)

    def _note(self, message: ConsoleMessage) -> None:
        # the browser itself reports a failed request
        failed = message.text.startswith("Failed to load resource")
        if failed and message.text.endswith("ERR_NETWORK_CHANGED"):
            self.network_changed = True
        elif not (failed and message.location["url"].endswith(STREAM)):
            self.noise.append(message.text)
