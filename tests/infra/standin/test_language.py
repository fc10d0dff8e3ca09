import pytest

from infra.standin.language import ScriptError, Status, Text, parse, script


def test_script_becomes_message() -> None:
    assert script({"text": "水"}, {"delay": 0}) == '/play [{"text":"水"},{"delay":0}]'


def test_script_is_read_in_order() -> None:
    steps = parse('/play [{"status": 429, "times": 1}, {"text": "a"}]')
    assert steps == (Status(status=429, times=1), Text(text="a"))


def test_invalid_script_fails_at_creation() -> None:
    with pytest.raises(ScriptError, match="step 1"):
        script({"txt": "a"})


@pytest.mark.parametrize(
    ("steps", "complaint"),
    [
        ("nonsense", "not JSON"),
        ('{"text": "a"}', "not a JSON array"),
        ('["text"]', "step 1: not an object with exactly one of status, event"),
        ('[{"text": "a"}, {"text": "a", "raw": "b"}]', "step 2: not an object with exactly one of"),
        ('[{"text": "a"}, {"text": 1}]', "step 2: text: Input should be a valid string"),
        ('[{"text": "a", "times": 1}]', "step 1: times: Extra inputs are not permitted"),
        ('[{"text": "\\ud83d"}]', "not JSON"),
        ('[{"status": 199}]', "step 1: status: Input should be greater than or equal to 200"),
        ('[{"status": 204}]', "step 1: status: Value error, a response with status 204 has no body"),
        ('[{"status": 429, "times": 0}]', "step 1: times: Input should be greater than or equal to 1"),
        ('[{"status": 429, "headers": {"a b": "1"}}]', "step 1: headers.a b"),
        ('[{"status": 429, "headers": {"a": "1\\n"}}]', "step 1: headers.a"),
        ('[{"status": 429, "headers": {"Content-Length": "1"}}]', "the server writes Content-Length itself"),
        ('[{"raw": ""}, {"delay": 0}, {"status": 429}]', "step 3: a status is not allowed"),
        ('[{"base64": "?"}]', "step 1: base64"),
        ('[{"split": 0}]', "step 1: split"),
        ('[{"delay": -1}]', "step 1: delay"),
        ('[{"gate": ""}]', "step 1: gate"),
        ('[{"cut": false}]', "step 1: cut"),
    ],
)
def test_invalid_script_names_step(steps: str, complaint: str) -> None:
    with pytest.raises(ScriptError) as caught:
        parse(f"/play {steps}")
    assert complaint in str(caught.value)
