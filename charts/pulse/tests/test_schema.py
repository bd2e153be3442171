"""Values: the schema knows each, describes each, and refuses every other; docs/kubernetes.md lists them."""

import copy
import json
import re

import pytest
import yaml
from helm_python import HelmError
from support import CHART, ROOT, SETS, chart, leaves, render, value_at

SCHEMA = json.loads((CHART / "values.schema.json").read_text())
VALUES = yaml.safe_load((CHART / "values.yaml").read_text())


def known():
    return {path: schema for path, schema in leaves(SCHEMA) if path[0] != "global"}


def given(values, at=()):
    """Every value of values.yaml, by its path."""
    for key, inner in values.items():
        path = (*at, key)
        if isinstance(inner, dict) and path not in known():
            yield from given(inner, path)
        else:
            yield path


def test_the_schema_and_the_values_know_the_same():
    assert set(given(VALUES)) == set(known())


def test_each_value_is_described_and_each_group_closed():
    def look(schema, at):
        if "properties" in schema:
            assert schema["additionalProperties"] is False, at
            for key, inner in schema["properties"].items():
                assert inner.get("description", "").endswith("."), (*at, key)
                look(inner, (*at, key))

    look(SCHEMA, ())


def groups(schema, at=()):
    if "properties" in schema:
        yield at
        for key, inner in schema["properties"].items():
            yield from groups(inner, (*at, key))


@pytest.mark.parametrize("path", [path for path in groups(SCHEMA)], ids=lambda path: ".".join(path) or "top")
def test_an_unknown_value_is_refused(path):
    values = copy.deepcopy(SETS["minimal"])
    inner = values
    for key in path:
        inner = inner.setdefault(key, {})
    inner["typo"] = "x"
    with pytest.raises(HelmError, match="typo"):
        chart().validate_schema(values)


@pytest.mark.parametrize("path", sorted(known()), ids=".".join)
def test_a_value_of_another_type_is_refused(path):
    wrong = "x" if known()[path].get("type") in ("object", "array") else ["x"]
    values = copy.deepcopy(SETS["minimal"])
    inner = values
    for key in path[:-1]:
        inner = inner.setdefault(key, {})
    inner[path[-1]] = wrong
    with pytest.raises(HelmError, match=path[-1]):
        chart().validate_schema(values)


def test_an_install_holds_its_values_against_the_schema():
    with pytest.raises(HelmError, match="typo"):
        render({**SETS["minimal"], "typo": 1})


@pytest.mark.parametrize("name", SETS)
def test_every_value_set_is_taken(name):
    chart().validate_schema(SETS[name])


def shown(value):
    text = (
        json.dumps(value, ensure_ascii=False)
        if isinstance(value, (dict, list)) or value == ""
        else yaml.safe_dump(value).split("\n")[0]
    )
    return f"`{text}`".replace("|", "\\|")


def table():
    lines = ["| value | default | |", "|---|---|---|"]
    for path, schema in known().items():
        lines.append(
            f"| `{'.'.join(path)}` | {shown(value_at(VALUES, path))} | {schema['description'].replace('|', chr(92) + '|')} |"
        )
    return "\n".join(lines)


def test_the_documentation_lists_each_value(request):
    page = ROOT / "docs" / "kubernetes.md"
    text = page.read_text()
    pattern = re.compile(r"(<!-- values -->\n).*(\n<!-- end of values -->)", re.S)
    assert pattern.search(text), f"{page} has no place for the table of values"
    current = pattern.sub(lambda found: found[1] + table() + found[2], text)
    if request.config.getoption("--update-docs"):
        page.write_text(current)
    assert page.read_text() == current, "the table of values is not current: run scripts/chart-test --update-docs"
