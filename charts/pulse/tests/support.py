"""The chart, its value sets, and what Helm makes of them."""

import functools
import re
from pathlib import Path

import yaml
from helm_python import Chart

CHART = Path(__file__).resolve().parent.parent
ROOT = CHART.parent.parent
SETS = {path.stem: yaml.safe_load(path.read_text()) for path in sorted(CHART.glob("tests/values/*.yaml"))}
NAMESPACE = "ops"
RELEASE = "pulse"


@functools.cache
def chart(path=CHART):
    """The chart, read once."""
    return Chart.load(path)


def objects_of(rendered):
    """The objects of what Helm rendered, by the file that made each."""
    found = []
    for name, text in rendered.items():
        if name.endswith(".txt"):
            continue
        found += [document for document in yaml.load_all(text, Loader=yaml.CSafeLoader) if document]
    return found


def render(values, path=CHART, **options):
    """The objects that these values make."""
    options = {"name": RELEASE, "namespace": NAMESPACE, **options}
    return objects_of(chart(path).render(values, **options))


@functools.cache
def rendered(name):
    """The objects of a value set."""
    return render(SETS[name])


@functools.cache
def notes(name):
    """What people read after an install of a value set."""
    texts = chart().render(SETS[name], name=RELEASE, namespace=NAMESPACE)
    return next(text for path, text in texts.items() if path.endswith("NOTES.txt"))


def one(objects, kind, name=None):
    """The only object of a kind, and of a name where it is said."""
    found = [item for item in objects if item["kind"] == kind and name in (None, item["metadata"]["name"])]
    assert len(found) == 1, f"{len(found)} of {kind} {name}: {[(item['kind'], item['metadata']['name']) for item in objects]}"
    return found[0]


def any_of(objects, kind):
    """Every object of a kind."""
    return [item for item in objects if item["kind"] == kind]


def controller(objects):
    """The workload of the controller."""
    return next(
        item for item in objects if item["kind"] in ("Deployment", "StatefulSet") and item["metadata"]["name"] == RELEASE
    )


def agents(objects):
    """The workload of the agents."""
    kinds = ("Deployment", "StatefulSet", "DaemonSet")
    return next(item for item in objects if item["kind"] in kinds and item["metadata"]["name"] == f"{RELEASE}-agent")


def pod_of(workload):
    """The pod's specification of a workload, or of a pod."""
    return workload["spec"] if workload["kind"] == "Pod" else workload["spec"]["template"]["spec"]


def pods(objects):
    """Every object that makes pods."""
    return [item for item in objects if item["kind"] in ("Deployment", "StatefulSet", "DaemonSet", "Pod", "Job")]


def containers(pod):
    """Every container of a pod."""
    return pod.get("initContainers", []) + pod["containers"]


def container(pod, name):
    """A container by its name."""
    return next(item for item in containers(pod) if item["name"] == name)


def environment(box):
    """The plain variables of a container."""
    return {item["name"]: item.get("value") for item in box.get("env", [])}


def settings_of(*folders):
    """Names of settings in Rust sources, tests left out; that of a secret's file stands for the secret."""
    names = set()
    for folder in folders:
        for path in (ROOT / folder).rglob("*.rs"):
            if "test" not in path.name:
                names |= set(re.findall(r'"((?:PULSE|OTEL)_[A-Z_]+)"', path.read_text()))
    return names | {f"{name}_FILE" for name in names}


def leaves(schema, at=()):
    """Every value that the schema knows, by its path."""
    if schema.get("type") == "object" and "properties" in schema:
        for key, inner in schema["properties"].items():
            yield from leaves(inner, (*at, key))
    else:
        yield at, schema


def value_at(values, path):
    """The value at a path."""
    return functools.reduce(lambda inner, key: inner[key], path, values)
