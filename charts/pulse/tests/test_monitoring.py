"""What is made for Prometheus' operator and Grafana, of the files that there are, and of none."""

import json
import shutil

import yaml
from helm_python import Chart
from support import CHART, NAMESPACE, RELEASE, SETS, any_of, chart, objects_of, one, rendered

VALUES = SETS["monitoring"]
ALERT = """groups:
  - name: pulse
    rules:
      - alert: Down
        expr: up == 0
        annotations: {summary: "{{ $labels.pod }} is down"}
"""


def chart_with(folder, files):
    """A copy of the chart with exactly these files of rules and dashboards."""
    copy = folder / "pulse"
    shutil.copytree(CHART, copy, ignore=shutil.ignore_patterns("tests", "dashboards", "alerts.yaml"))
    shutil.copytree(CHART / "templates/tests", copy / "templates/tests", dirs_exist_ok=True)
    for name, text in files.items():
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        (copy / name).write_text(text)
    return Chart.load(copy)


def made(chart, values=VALUES):
    texts = chart.render(values, name=RELEASE, namespace=NAMESPACE)
    return objects_of(texts), next(text for path, text in texts.items() if path.endswith("NOTES.txt"))


def dashboards(objects):
    return [item for item in any_of(objects, "ConfigMap") if "grafana_dashboard" in item["metadata"]["labels"]]


def test_files_are_taken_as_they_are(tmp_path):
    board = json.dumps({"title": "{{name}}", "panels": []})
    objects, notes = made(
        chart_with(tmp_path, {"files/alerts.yaml": ALERT, "files/dashboards/a_b.json": board, "files/dashboards/c.json": "{}"})
    )
    rule = one(objects, "PrometheusRule")
    assert rule["spec"] == yaml.safe_load(ALERT) and rule["metadata"]["labels"]["release"] == "prometheus"
    boards = dashboards(objects)
    assert [item["metadata"]["name"] for item in boards] == ["pulse-dashboard-a-b", "pulse-dashboard-c"]
    assert json.loads(boards[0]["data"]["a_b.json"]) == json.loads(board)
    assert boards[0]["metadata"]["annotations"] == {"grafana_folder": "PULSE"} and "NOTE" not in notes


def test_without_files_nothing_is_made_and_people_are_told(tmp_path):
    objects, notes = made(chart_with(tmp_path, {}))
    assert not any_of(objects, "PrometheusRule") and not dashboards(objects)
    assert "packaged without alert rules" in notes and "packaged without dashboards" in notes


def test_the_charts_own_files():
    """As many objects as there are files today; the summary says so where there are none."""
    objects = rendered("monitoring")
    rules = (CHART / "files/alerts.yaml").exists()
    boards = list((CHART / "files/dashboards").glob("*.json"))
    assert len(any_of(objects, "PrometheusRule")) == int(rules) and len(dashboards(objects)) == len(boards)


def test_each_controller_is_measured_by_itself():
    monitor = one(rendered("monitoring"), "ServiceMonitor")["spec"]
    assert monitor["endpoints"][0]["path"] == "/metrics" and monitor["endpoints"][0]["scheme"] == "http"
    wanted = monitor["selector"]["matchLabels"]
    found = [
        item["metadata"]["name"]
        for item in any_of(rendered("monitoring"), "Service")
        if wanted.items() <= item["metadata"]["labels"].items()
    ]
    assert found == ["pulse-pods"], "a standby is measured, too, and the active one once"
    single = [
        item["metadata"]["name"]
        for item in any_of(rendered("minimal"), "Service")
        if item["metadata"]["labels"].get("pulse.dev/metrics")
    ]
    assert single == ["pulse"]


def test_all_of_it_is_off_unless_asked_for():
    kinds = {item["kind"] for item in rendered("minimal")}
    assert not kinds & {"ServiceMonitor", "PrometheusRule", "CustomResourceDefinition", "Ingress", "DaemonSet"}


def test_one_token_guards_the_metrics_and_opens_them():
    values = {**VALUES, "monitoring": {**VALUES["monitoring"], "serviceMonitor": {"enabled": True, "tokenSecret": {"name": "guard", "key": "t"}}}}
    objects, _ = made(chart(), values)
    asked = one(objects, "ServiceMonitor")["spec"]["endpoints"][0]["authorization"]["credentials"]
    pod = any_of(objects, "StatefulSet")[0]["spec"]["template"]["spec"]
    env = {item["name"]: item.get("value") for item in pod["containers"][0]["env"]}
    folder = next(mount for mount in pod["containers"][0]["volumeMounts"] if mount["name"] == "secrets")["mountPath"]
    files = next(volume for volume in pod["volumes"] if volume["name"] == "secrets")["projected"]["sources"]
    found = [(item["secret"]["name"], one["key"], one["path"]) for item in files for one in item["secret"]["items"] if item["secret"]["name"] == "guard"]
    assert asked == {"name": "guard", "key": "t"} and found == [("guard", "t", "metrics-token")]
    assert env["PULSE_METRICS_TOKEN_FILE"] == f"{folder}/metrics-token"
