"""The template as CloudFormation gets it: SAM's own
translator, then parameters and conditions.

Only what the template uses is resolved: Ref to a parameter, Fn::If, Fn::Equals,
Fn::Not. Sub and GetAtt stay, for `references`.
"""

import json
import re
import subprocess
from collections.abc import Iterator
from typing import Any

from tests.infra.paths import ROOT, SAM_PYTHON

_TRANSLATE = """
import json, sys
from samcli.yamlhelper import yaml_parse
from samtranslator.translator.transform import transform

class NoManagedPolicies:
    def load(self):
        return {}

template = yaml_parse(sys.stdin.read())
template["Resources"]["ChatFunction"]["Properties"]["CodeUri"] = "s3://bucket/artifact"
print(json.dumps(transform(template, {}, NoManagedPolicies())))
"""

_NO_VALUE = {"Ref": "AWS::NoValue"}


def translate() -> dict[str, Any]:
    """Returns template.yaml as plain CloudFormation, by the SAM CLI's translator."""
    translated = subprocess.run(
        [SAM_PYTHON, "-c", _TRANSLATE],
        input=(ROOT / "template.yaml").read_text(),
        env={"AWS_DEFAULT_REGION": "eu-central-1"},
        stdout=subprocess.PIPE,
        check=True,
        text=True,
    ).stdout
    template: dict[str, Any] = json.loads(translated)
    return template


class Stack:
    """Returns the stack of a translated template; these parameters replace the
    defaults.
    """

    def __init__(self, template: dict[str, Any], **parameters: str) -> None:
        self.parameters = {name: p["Default"] for name, p in template["Parameters"].items()} | parameters
        self._conditions = template["Conditions"]
        self.resources = self._present(template["Resources"])
        self.outputs = self._present(template["Outputs"])

    def properties(self, logical_id: str) -> Any:
        return self.resources[logical_id]["Properties"]

    def of_type(self, kind: str) -> list[dict[str, Any]]:
        """Returns the properties of all resources of this type."""
        return [r["Properties"] for r in self.resources.values() if r["Type"] == kind]

    def dangling(self) -> set[str]:
        """Returns referenced names that are neither resources
        nor parameters of this stack.
        """
        known = self.resources.keys() | self.parameters.keys()
        return {name for name in references([self.resources, self.outputs]) if name not in known}

    def _present(self, entries: dict[str, Any]) -> dict[str, Any]:
        return {
            name: self._resolved(entry)
            for name, entry in entries.items()
            if "Condition" not in entry or self._holds(self._conditions[entry["Condition"]])
        }

    def _resolved(self, node: Any) -> Any:
        match node:
            case {"Ref": name} if name in self.parameters:
                return self.parameters[name]
            case {"Fn::If": [condition, yes, no]}:
                return self._resolved(yes if self._holds(self._conditions[condition]) else no)
            case dict():
                values = {key: self._resolved(value) for key, value in node.items()}
                return {key: value for key, value in values.items() if value != _NO_VALUE}
            case list():
                return [value for value in map(self._resolved, node) if value != _NO_VALUE]
        return node

    def _holds(self, condition: dict[str, Any]) -> bool:
        match condition:
            case {"Fn::Not": [inner]}:
                return not self._holds(inner)
            case {"Fn::Equals": [left, right]}:
                return bool(self._resolved(left) == self._resolved(right))
        raise NotImplementedError(condition)


def references(node: Any) -> Iterator[str]:
    """Yields the logical ids in Ref, Fn::GetAtt, Fn::Sub and
    DependsOn, without pseudo parameters.
    """
    match node:
        case {"Ref": str(name)} if not name.startswith("AWS::"):
            yield name
        case {"Fn::GetAtt": [str(name), *_]}:
            yield name
        case {"Fn::Sub": str(text)}:
            yield from (name for name in re.findall(r"\$\{(\w+)(?:\.\w+)?\}", text))
        case dict():
            depends_on = node.get("DependsOn", [])
            yield from [depends_on] if isinstance(depends_on, str) else depends_on
            for value in node.values():
                yield from references(value)
        case list():
            for value in node:
                yield from references(value)
