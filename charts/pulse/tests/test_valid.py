"""Every value set: Helm's strict lint, and Kubernetes' own schemas of several releases."""

import tomllib

import kubernetes_validate
import pytest
from helm_python import Chart, lint
from support import (
    CHART,
    NAMESPACE,
    RELEASE,
    ROOT,
    SETS,
    chart,
    notes,
    objects_of,
    rendered,
)

# The oldest that the chart takes, one between, and the newest whose schemas there are.
RELEASES = ["1.29", "1.33", "1.37"]
# Of Prometheus' operator, whose schemas are not Kubernetes' own: test_monitoring.py looks at these.
FOREIGN = {"ServiceMonitor", "PrometheusRule"}


@pytest.mark.parametrize("name", SETS)
def test_strict_lint(name):
    report = lint(CHART, SETS[name], strict=True, namespace=NAMESPACE, kube_version="v1.33.0")
    assert report["total_charts_linted"] == 1
    # An icon is all that Helm misses, and only as an information.
    found = [message for message in report["messages"] if message["severity"] > 1]
    assert not found and not report["errors"], report


@pytest.mark.parametrize("release", RELEASES)
@pytest.mark.parametrize("name", SETS)
def test_kubernetes_takes_every_object(name, release):
    checked = 0
    for item in rendered(name):
        if item["kind"] not in FOREIGN:
            kubernetes_validate.validate(item, release, strict=True)
            checked += 1
    assert checked >= 4


def test_the_check_bites():
    wrong = {"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": {"name": "x"}, "spec": {"maxUnavailble": 1}}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong, RELEASES[-1], strict=True)


@pytest.mark.parametrize("name", SETS)
def test_objects_have_the_common_labels_and_short_names(name):
    seen = set()
    for item in rendered(name):
        key = (item["kind"], item["metadata"]["name"])
        assert key not in seen, f"{key} is made twice"
        seen.add(key)
        assert len(item["metadata"]["name"]) <= 63, key
        if item["kind"] == "CustomResourceDefinition":
            continue
        labels = item["metadata"]["labels"]
        assert labels["app.kubernetes.io/instance"] == RELEASE and labels["app.kubernetes.io/part-of"] == "pulse", key


def test_long_names_are_cut_to_fit():
    long = "a-release-whose-name-is-as-long-as-helm-lets-it-be-x"
    for name in SETS:
        texts = chart().render(SETS[name], name=long[:53], namespace=NAMESPACE)
        for item in objects_of(texts):
            assert len(item["metadata"]["name"]) <= 63, item["metadata"]["name"]


@pytest.mark.parametrize("name", SETS)
def test_notes_say_where_it_is(name):
    text = notes(name)
    assert "helm test pulse -n ops" in text and "<no value>" not in text and "%!" not in text
    assert ("at https://localhost" in text or "at http://localhost" in text) != ("Open https://" in text)


def test_it_can_be_packaged_without_its_tests(tmp_path):
    with Chart.load(chart().save(tmp_path)) as packed:
        names = {item["name"] for item in packed.files}
        assert any(name.startswith("files/crds/") for name in names)
        assert not any(name.startswith("tests/") for name in names), names


def test_the_definitions_are_those_of_the_language():
    ours = {path.name: path.read_bytes() for path in (CHART / "files/crds").glob("*.yaml")}
    theirs = {path.name: path.read_bytes() for path in (ROOT / "crd-schemas/crds").glob("*.yaml")}
    assert ours and ours == theirs, "run: cp crd-schemas/crds/*.yaml charts/pulse/files/crds/"
    made = [item for item in rendered("monitoring") if item["kind"] == "CustomResourceDefinition"]
    assert len(made) == len(theirs)
    assert all(item["metadata"]["annotations"]["helm.sh/resource-policy"] == "keep" for item in made)
    assert not [item for item in rendered("minimal") if item["kind"] == "CustomResourceDefinition"]


def test_the_chart_is_of_this_release():
    workspace = tomllib.loads((ROOT / "Cargo.toml").read_text())["workspace"]["package"]["version"]
    assert chart().metadata["appVersion"] == workspace
