"""The controller on each database: how many there are, how they are exchanged, what each probe means, and which settings they get."""

import base64
import re

import pytest
from support import (
    ROOT,
    SETS,
    agents,
    any_of,
    container,
    containers,
    controller,
    environment,
    one,
    pod_of,
    pods,
    render,
    rendered,
    settings_of,
)

MARIADB = ["external-mariadb", "trial-mariadb", "monitoring", "existing-secrets", "tls-secret"]
SQLITE = [name for name in SETS if name not in MARIADB]


@pytest.mark.parametrize("name", SQLITE)
def test_sqlite_has_one_and_its_volume_has_one_user(name):
    workload = controller(rendered(name))
    assert workload["kind"] == "Deployment" and workload["spec"]["replicas"] == 1
    assert workload["spec"]["strategy"] == {"type": "Recreate"}
    assert {"name": "data", "persistentVolumeClaim": {"claimName": "pulse"}} in pod_of(workload)["volumes"]
    claim = one(rendered(name), "PersistentVolumeClaim")
    assert claim["metadata"]["annotations"]["helm.sh/resource-policy"] == "keep"
    assert not any_of(rendered(name), "PodDisruptionBudget"), "it would only keep nodes from being drained"
    assert "pulse.dev/role" not in one(rendered(name), "Service", "pulse")["spec"]["selector"]


@pytest.mark.parametrize("name", MARIADB)
def test_mariadb_has_one_active_and_others_that_stand_by(name):
    objects = rendered(name)
    workload = controller(objects)
    replicas = {"external-mariadb": 3}.get(name, 2)
    pods_ = [f"pulse-{number}" for number in range(replicas)]
    assert workload["kind"] == "StatefulSet" and workload["spec"]["replicas"] == replicas
    assert workload["spec"]["podManagementPolicy"] == "Parallel", "a standby does not wait for the active one"
    # The Service leads to the active one; pods begin as none, and the label is no part of what finds them.
    assert one(objects, "Service", "pulse")["spec"]["selector"]["pulse.dev/role"] == "active"
    assert workload["spec"]["template"]["metadata"]["labels"]["pulse.dev/role"] == "standby"
    assert "pulse.dev/role" not in workload["spec"]["selector"]["matchLabels"]
    # The sidecar knows every pod by name, and may patch these alone.
    args = container(pod_of(workload), "sidecar")["args"]
    assert [arg for arg in args if arg.startswith("--of=")] == [f"--of={pod}" for pod in pods_]
    rule = one(objects, "Role")["rules"][0]
    assert (rule["resources"], rule["resourceNames"], rule["verbs"]) == (["pods"], pods_, ["patch"])
    assert one(objects, "RoleBinding")["subjects"][0]["name"] == pod_of(workload)["serviceAccountName"]
    # A budget that lets one go, as standing by is ready: not one that no drain could ever satisfy.
    budget = one(objects, "PodDisruptionBudget")["spec"]
    assert budget["maxUnavailable"] == 1 and budget["selector"]["matchLabels"] == workload["spec"]["selector"]["matchLabels"]
    assert not [claim for claim in any_of(objects, "PersistentVolumeClaim")]
    data = next(volume for volume in pod_of(workload)["volumes"] if volume["name"] == "data")
    assert "emptyDir" in data and pod_of(workload)["topologySpreadConstraints"]
    assert one(objects, "Service", "pulse-pods")["spec"]["publishNotReadyAddresses"] is True
    assert workload["spec"]["serviceName"] == "pulse-pods"


@pytest.mark.parametrize("name", SETS)
def test_probes_know_the_difference(name):
    box = container(pod_of(controller(rendered(name))), "controller")
    scheme = "HTTPS" if name.startswith("tls-") else "HTTP"
    for probe in ("startupProbe", "livenessProbe"):
        assert box[probe]["httpGet"] == {"path": "/health/live", "port": "http", "scheme": scheme}
    if name in MARIADB:
        assert box["readinessProbe"]["exec"]["command"] == [
            "pulse",
            "--server",
            f"{scheme.lower()}://127.0.0.1:8080",
            "kubernetes",
            "ready",
        ]
    else:
        assert box["readinessProbe"]["httpGet"]["path"] == "/health/ready"
    assert box["startupProbe"]["periodSeconds"] * box["startupProbe"]["failureThreshold"] >= 300


def test_the_sidecar_is_where_it_is_needed():
    def beside(name):
        return any(box["name"] == "sidecar" for box in containers(pod_of(controller(rendered(name)))))

    assert not beside("minimal") and not beside("agents-deployment") and not any_of(rendered("minimal"), "Role")
    assert beside("agents-daemonset") and beside("monitoring")
    box = container(pod_of(controller(rendered("agents-daemonset"))), "sidecar")
    assert box["restartPolicy"] == "Always", "a sidecar, not a step before the start"
    assert not any(arg.startswith(("--pod", "--of")) for arg in box["args"]) and "--label=via=chart" in box["args"]


@pytest.mark.parametrize("name", SETS)
def test_every_setting_of_the_controller_exists(name):
    known = settings_of("controller/src/config", "settings/src")
    assert {"PULSE_LISTEN", "PULSE_DATABASE_URL", "PULSE_TRUSTED_PROXIES"} <= known, "the sources of the configuration moved"
    box = container(pod_of(controller(rendered(name))), "controller")
    for variable in environment(box):
        assert variable in known, variable


@pytest.mark.parametrize("name", [name for name in SETS if SETS[name].get("agents", {}).get("enabled")])
def test_every_setting_of_the_agents_exists(name):
    known = settings_of("agent/src", "settings/src")
    assert {"PULSE_SERVER", "PULSE_AGENT_SLOTS"} <= known, "the sources of the configuration moved"
    box = container(pod_of(agents(rendered(name))), "agent")
    ours = {variable for variable in environment(box) if variable != "HOST"}
    assert ours <= known, ours - known


def test_secrets_come_from_where_they_were_said_to_be():
    def files(name):
        volume = next(item for item in pod_of(controller(rendered(name)))["volumes"] if item["name"] == "secrets")
        sources = [source["secret"] for source in volume["projected"]["sources"]]
        return {item["path"]: (source["name"], item["key"]) for source in sources for item in source["items"]}

    assert files("existing-secrets") == {
        "admin-token": ("admin", "password"),
        "webhook-secret": ("gitea", "webhook"),
        "source-token": ("source", "token"),
        "database-url": ("database", "url"),
        "oidc-client-secret": ("oidc", "client-secret"),
    }
    assert files("minimal") == {"admin-token": ("pulse", "admin-token"), "webhook-secret": ("pulse", "webhook-secret")}
    assert files("sqlite")["source-ssh-key"] == ("pulse", "source-ssh-key")
    assert files("oidc")["source-ssh-key"] == ("source", "ssh-key")
    assert files("tls-secret")["database-url"] == ("pulse-database", "database-url")
    # A Secret of one's own is not doubled.
    assert not any_of(rendered("existing-secrets"), "Secret")
    for path in files("trial-mariadb").values():
        assert path[1] in one(rendered("trial-mariadb"), "Secret", "pulse")["data"]


def test_a_changed_secret_restarts_the_controller_and_a_generated_one_does_not():
    def checksum(values):
        return controller(render(values))["spec"]["template"]["metadata"]["annotations"]["checksum/secrets"]

    one_, other = ({"source": {"url": "https://g/x.git", "token": token}} for token in ("first", "second"))
    assert checksum(one_) == checksum(one_) != checksum(other)


def test_the_trials_server_and_the_controller_agree():
    objects = rendered("trial-mariadb")
    data = {key: base64.b64decode(value).decode() for key, value in one(objects, "Secret", "pulse")["data"].items()}
    assert data["database-url"] == f"mariadb://pulse:{data['mariadb-password']}@pulse-mariadb:3306/pulse"
    assert re.fullmatch("[A-Za-z0-9]{40}", data["mariadb-password"])
    server = pod_of(one(objects, "StatefulSet", "pulse-mariadb"))["containers"][0]
    assert environment(server)["MARIADB_USER"] == environment(server)["MARIADB_DATABASE"] == "pulse"
    assert "--collation-server=utf8mb4_nopad_bin" in server["args"]
    policy = one(objects, "NetworkPolicy", "pulse-mariadb")["spec"]
    assert policy["ingress"][0]["from"][0]["podSelector"]["matchLabels"]["app.kubernetes.io/component"] == "controller"


def test_the_test_asks_the_service_and_means_the_active_one():
    for name in SETS:
        pod = one(rendered(name), "Pod")
        assert pod["metadata"]["annotations"]["helm.sh/hook"] == "test"
        command = pod["spec"]["initContainers"][0]["command"]
        assert command[-3:] == ["kubernetes", "ready", "--active"] and ".ops.svc:" in " ".join(command)
    assert pod_of(one(rendered("minimal"), "Pod"))["containers"][0]["command"][-2:] == ["get", "sources"]


def test_what_is_asked_of_pulse_is_what_pulse_knows():
    """The flags that the chart gives, against the command's own arguments."""
    known = set(
        re.findall(
            r'#\[arg\(long(?: = "([a-z-]+)")?[^\n]*\n\s*(?:pub )?([a-z_]+):',
            "".join(
                (ROOT / "cli/src" / path).read_text()
                for path in ("args.rs", "commands/kubernetes/sidecar.rs", "commands/kubernetes/standing.rs")
            ),
        )
    )
    flags = {f"--{(name or field).replace('_', '-')}" for name, field in known}
    for name in SETS:
        for workload in pods(rendered(name)):
            for box in containers(pod_of(workload)):
                words = box.get("command", []) + box.get("args", [])
                if words[:1] == ["pulse"] and "version" not in words:
                    asked = {word.split("=")[0] for word in words if word.startswith("--")}
                    assert asked <= flags, asked - flags
