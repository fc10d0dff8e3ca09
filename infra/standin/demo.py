"""The answer to an ordinary prompt: Markdown with an
example of each element of the page.

`demo` returns steps that stream it with the timing of a model. The text states that it
is a demo answer and quotes the prompt. The same prompt has the same answer.
`max_output_tokens` ends it as incomplete.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from zlib import crc32

from infra.standin.contract import JsonObject
from infra.standin.language import Delay, Event, Step
from infra.standin.responses import Answer, Status
from infra.standin.tokens import tokens

_QUOTED = 160  # characters of the prompt that an answer repeats


@dataclass(frozen=True, slots=True)
class Timing:
    """The seconds to the first token, and the tokens per
    second after it, perhaps infinity.
    """

    first_token: float
    tokens_per_second: float


def demo(answer: Answer, timing: Timing) -> Iterator[Step]:
    """Yields the steps of `answer`, with its events numbered."""
    events = 0

    def numbered(event: JsonObject) -> Event:
        nonlocal events
        events += 1
        return Event(event=event | {"sequence_number": events - 1})

    pieces = tokens(markdown(answer.request.prompt))
    sent = pieces[: answer.request.max_output_tokens]
    status: Status = "completed" if len(sent) == len(pieces) else "incomplete"
    yield from map(numbered, answer.opening())
    for index, piece in enumerate(sent):
        yield Delay(delay=1 / timing.tokens_per_second if index else timing.first_token)
        yield numbered(answer.delta(piece))
    yield from map(numbered, answer.closing(status, "".join(sent)))


def markdown(prompt: str) -> str:
    """Returns the demo answer to `prompt`."""
    seed = crc32(prompt.encode())
    return _ANSWER.format(
        opening=_OPENINGS[seed % len(_OPENINGS)],
        prompt=_brief(prompt),
        length=len(prompt),
        words=len(prompt.split()),
        bytes=len(prompt.encode()),
        code=_CODE[seed // 7 % len(_CODE)],
        saying=_SAYINGS[seed // 49 % len(_SAYINGS)],
    )


def _brief(prompt: str) -> str:
    """Returns the prompt in one line of at most _QUOTED characters."""
    line = " ".join(prompt.split()) or "(nothing)"
    return line if len(line) <= _QUOTED else line[: _QUOTED - 1].rstrip() + "…"


_OPENINGS = (
    "Here is something to look at",
    "An answer without a model",
    "All that a page must show",
    "A short tour of Markdown",
)

_SAYINGS = (
    "> Still waters run deep.\n>\n> — an old proverb, and no advice on streaming",
    "> Many small streams make a river.\n>\n> — said in many languages",
    "> You cannot step twice into the same stream.\n>\n> — after Heraclitus",
)

_CODE = (
    """```python
async def answer(prompt: str) -> AsyncIterator[str]:
    async for event in upstream(prompt):  # one token after another
        if event.type == "response.output_text.delta":
            yield event.delta
```""",
    """```javascript
const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
for (let part; !(part = await reader.read()).done; ) {
  page.append(part.value); // as soon as it is there
}
```""",
    """```sql
SELECT model, count(*) AS turns, sum(output_tokens) AS tokens
FROM turns
WHERE status = 'completed' -- and not 'stopped'
GROUP BY model
ORDER BY tokens DESC;
```""",
)

_ANSWER = """\
## {opening}

**This is a demo answer.** It comes from the stand-in for OpenAI, not from a model. You wrote:

> {prompt}

### A table

| Your message | Value |
|:-------------|------:|
| characters | {length} |
| words | {words} |
| bytes in UTF-8 | {bytes} |

### Lists

1. The browser sends your message **once**.
2. The function passes on
   - every *token* as it comes,
   - exactly one `end`, ~~mostly~~ always with its reason.

### Code

{code}

{saying}

### Beyond ASCII

- 日本語: 水は方円の器に随う。
- 中文: 涓涓细流汇成江河。
- العربية: قطرة قطرة يصبح نهرا
- Emoji: 🌊 🚣🏽 👩‍💻 🏳️‍🌈

---

Read on in the [HTML standard](https://html.spec.whatwg.org/multipage/server-sent-events.html).
"""
