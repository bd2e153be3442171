"""Nothing is accepted and ignored: each value changes what is made, in at least one of the value sets."""

import copy
import re

import pytest
from helm_python import HelmError
from support import NAMESPACE, RELEASE, SETS, leaves, value_at
from test_monitoring import ALERT, chart_with
from test_schema import SCHEMA, VALUES

WORDS = [
    "changed",
    "https://changed.example.org",
    "7m",
    "9Gi",
    "mariadb://u:p@h:33/d",
    "700/h",
    "/changed",
    "sha256:" + "b" * 64,
]
# Whose effect needs another value beside it.
BESIDE = {
    "agents.storageClass": {"agents": {"enabled": True, "kind": "StatefulSet"}},
    "agents.ca.key": {"agents": {"enabled": True, "ca": {"secretName": "ca"}}},
    "monitoring.serviceMonitor.tokenSecret.key": {
        "monitoring": {"serviceMonitor": {"enabled": True, "tokenSecret": {"name": "t"}}}
    },
    "ingress.enabled": {"ingress": {"host": "h.example.org"}},
    "ingress.nginx": {"ingress": {"enabled": True, "host": "h.example.org"}},
    "ingress.authelia.enabled": {
        "ingress": {"enabled": True, "host": "h.example.org", "authelia": {"authUrl": "http://a", "signInUrl": "https://a"}},
        "access": {"trustedProxies": ["10.0.0.1"]},
        "networkPolicy": {"enabled": False},
    },
}


def other(schema, now):
    """A value that the schema takes, and that is another one."""
    kinds = schema.get("type", "string")
    kinds = kinds if isinstance(kinds, list) else [kinds]
    if "enum" in schema:
        return next(word for word in schema["enum"] if word != now)
    if "boolean" in kinds:
        return not now
    if "integer" in kinds:
        return min((now or 3) + 1, schema.get("maximum", 10**6))
    if "array" in kinds:
        item = schema["items"]
        if "enum" in item:
            return [next(word for word in item["enum"] if [word] != now)]
        return [{"string": "10.9.0.0/16", "integer": 4711}.get(item.get("type"), {"name": "changed"})]
    if "object" in kinds:
        return {"changed": "changed"}
    return next(word for word in WORDS if word != now and re.search(schema.get("pattern", ""), word))


def merged(old, new):
    return {
        **old,
        **{
            key: merged(old[key], value) if isinstance(value, dict) and isinstance(old.get(key), dict) else value
            for key, value in new.items()
        },
    }


HIDDEN = re.compile(r"(admin-token|webhook-secret|mariadb-password|database-url|checksum/secrets): \S+")


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The chart with a file of rules and a dashboard, whatever it has today."""
    return chart_with(tmp_path_factory.mktemp("whole"), {"files/alerts.yaml": ALERT, "files/dashboards/one.json": "{}"})


def made(chart, values):
    """Everything that values make, notes included. What is random is left out, and the checksum, which knows every secret and does nothing."""
    texts = chart.render(values, name=RELEASE, namespace=NAMESPACE)
    return HIDDEN.sub(r"\1: …", "\n".join(f"{path}\n{text}" for path, text in sorted(texts.items())))


BEFORE = {}


def before(chart, name):
    if name not in BEFORE:
        BEFORE[name] = made(chart, SETS[name])
    return BEFORE[name]


def changed_at(values, path, value):
    values = copy.deepcopy(values)
    inner = values
    for key in path[:-1]:
        inner = inner.setdefault(key, {})
    inner[path[-1]] = value
    return values


@pytest.mark.parametrize("path", [path for path, _ in leaves(SCHEMA) if path[0] != "global"], ids=".".join)
def test_it_changes_something(whole, path):
    schema = dict(leaves(SCHEMA))[path]
    value = other(schema, value_at(VALUES, path))
    beside = BESIDE.get(".".join(path))
    # First those in which the value's own group is at work.
    for name, values in sorted(SETS.items(), key=lambda item: path[0] not in item[1]):
        try:
            base = merged(values, beside) if beside else values
            if made(whole, changed_at(base, path, value)) != (made(whole, base) if beside else before(whole, name)):
                return
        except HelmError:
            continue
    raise AssertionError(f"{'.'.join(path)} = {value!r} changes nothing in any value set")


def test_the_look_bites(whole):
    assert made(whole, SETS["trial-mariadb"]) == made(whole, SETS["trial-mariadb"]), "what is random is left out"
