"""The chat page as its user has it: what can be seen and touched, by role and label."""

from playwright.sync_api import ConsoleMessage, Page, Request, expect

STREAM = "api/chat/stream"


class ChatPage:
    """Wraps a page that shows the chat, and notes what it sends and what it says on the console."""

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
        """Loads the page; once more where the machine's network changes meanwhile, as it does when a container starts.

        Chromium then drops every request, also one to loopback.
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
        """The next message can be written and sent: nothing is left over from the last."""
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
        # the browser itself reports a request that failed: by its address, or because of the machine's network
        failed = message.text.startswith("Failed to load resource")
        if failed and message.text.endswith("ERR_NETWORK_CHANGED"):
            self.network_changed = True
        elif not (failed and message.location["url"].endswith(STREAM)):
            self.noise.append(message.text)
