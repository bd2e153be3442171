"""What the chart renders, run: the real controller, sidecar, agent and `pulse`, with the very commands, environment and files of the pods, against
the API server of cluster.py. An image, a kubelet and a network are what is missing."""

import json
import os
import signal
import subprocess
import time
import uuid
from urllib.parse import urlsplit

import pytest
from cluster import Cluster
from kubelet import BINARIES, Pod, free_port, repository, wait_for
from support import CHART, NAMESPACE, agents, container, controller, one, pod_of, render
from test_life import helm


@pytest.fixture(scope="module", autouse=True)
def binaries():
    missing = [name for name in ("pulse-controller", "pulse-agent", "pulse") if not (BINARIES / name).exists()]
    assert not missing, f"{BINARIES} has no {missing}: run cargo build --locked --workspace"


@pytest.fixture
def scene(tmp_path):
    """A cluster with the chart installed by Helm, and the pods that were started."""
    cluster, pods = Cluster(), []

    def install(values):
        with helm(cluster) as config:
            config.install(CHART, "pulse", values, namespace=NAMESPACE)

    def pod(workload, name, addresses):
        folder = tmp_path / name
        folder.mkdir()
        fields = {"metadata.name": name, "metadata.namespace": NAMESPACE, "spec.nodeName": "node-1"}
        made = Pod(
            pod_of(cluster.get(workload["kind"], workload["metadata"]["name"]) or workload), cluster, folder, fields, addresses
        )
        pods.append(made)
        return made

    cluster.install, cluster.pod = install, pod
    yield cluster
    for made in pods:
        made.close()
    cluster.close()


def at(port, also=None):
    """Where the addresses of a pod are on this machine; the Service is another controller's where that is said."""
    return {
        "0.0.0.0:8080": f"127.0.0.1:{port}",
        "127.0.0.1:8080": f"127.0.0.1:{port}",
        "pulse.ops.svc:8080": f"127.0.0.1:{also or port}",
    }


@pytest.mark.parametrize("tls", ["off", "auto"])
def test_an_install_comes_up_and_its_agents_get_in(scene, tmp_path, tls):
    """With only a source, but for the agents; and with an authority of its own, which the agent knows by its token alone."""
    values = {
        "source": {"url": repository(tmp_path)},
        "agents": {"enabled": True, "enrolmentLabels": {"via": "chart"}, "labels": {"role": "node"}},
        "controller": {"tls": {"mode": tls}},
    }
    scene.install(values)
    objects = render(values)
    port = free_port()
    pod = scene.pod(controller(objects), "pulse-x", at(port))
    begun = time.monotonic()
    pod.sidecar(container(pod.spec, "sidecar"))
    pod.start(container(pod.spec, "controller"))
    wait_for("the sidecar fills the agents' Secret", lambda: scene.get("Secret", "pulse-enrolment").get("data"))
    agent = scene.pod(agents(objects), "pulse-agent-x", at(port))
    agent.start(container(agent.spec, "agent"))
    # `helm test`, and then the same pod's account to run something.
    test = scene.pod(one(objects, "Pod"), "pulse-test", at(port))
    code, said = test.ask(test.spec["initContainers"][0])
    assert (code, said) == (0, "active\n")
    asks = test.spec["containers"][0]
    assert test.ask(asks)[0] == 0, "the chart's own test"

    def pulse(*words):
        ca = ["--ca", str(pod.volume("data") / "data/tls/authority.pem")] if tls == "auto" else []
        server = next(word for word in test.spec["initContainers"][0]["command"] if "://" in word)
        return test.ask(
            {**asks, "env": [{"name": "PULSE_TOKEN_FILE", "value": "/etc/pulse/secrets/admin-token"}]},
            ["pulse", "--server", server, *ca, *words],
        )

    def online():
        code, said = pulse("get", "agents", "node-1", "-o", "json")
        agent = json.loads(said) if code == 0 else {}
        return agent if agent.get("status", {}).get("state") == "online" else None

    known = wait_for("the agent is online", online)
    assert known["status"]["labels"] == {"via": "chart", "self/role": "node"}, known
    wait_for("the workflow is live", lambda: pulse("get", "workflows", "hello")[0] == 0)
    code, said = pulse("run", "hello", "--follow")
    assert code == 0 and "hello from node-1" in said, said
    # It warns of each variable that is no setting, and of settings that do not go together.
    assert '"level":"WARN"' not in pod.log("controller"), pod.log("controller")
    # As Kubernetes ends a pod.
    assert pod.end("controller", signal.SIGTERM) == 0
    assert pod.end("sidecar", signal.SIGTERM) == 0
    assert time.monotonic() - begun < 60


@pytest.fixture
def database():
    """A database of the test's own."""
    url = urlsplit(os.environ.get("PULSE_TEST_MARIADB_URL", ""))
    assert url.port, "this test needs MariaDB: scripts/with-mariadb scripts/chart-test"
    name = f"chart_{uuid.uuid4().hex[:12]}"

    def sql(text):
        words = [
            "mariadb",
            "--no-defaults",
            f"--host={url.hostname}",
            f"--port={url.port}",
            f"--user={url.username}",
            "-e",
            text,
        ]
        subprocess.run(words, env={**os.environ, "MYSQL_PWD": url.password}, check=True)

    sql(f"CREATE DATABASE {name} CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin")
    yield f"mariadb://{url.username}:{url.password}@{url.hostname}:{url.port}/{name}"
    sql(f"DROP DATABASE {name}")


def test_two_controllers_and_the_label_of_the_active_one(scene, tmp_path, database):
    values = {"source": {"url": repository(tmp_path)}, "mariadb": {"url": database}}
    scene.install(values)
    workload = controller(render(values))
    labels = workload["spec"]["template"]["metadata"]["labels"]
    pods = {}
    for name in ("pulse-0", "pulse-1"):
        scene.objects["v1", "Pod", NAMESPACE, name] = {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": name, "labels": dict(labels)},
        }
        pods[name] = scene.pod(workload, name, at(free_port()))

    def start(pod):
        pod.sidecar(container(pod.spec, "sidecar"))
        pod.start(container(pod.spec, "controller"))

    def served():
        """The pods that the Service's selector finds."""
        wanted = scene.get("Service", "pulse")["spec"]["selector"].items()
        return [name for name in pods if wanted <= scene.get("Pod", name)["metadata"]["labels"].items()]

    def ready(pod):
        box = container(pod.spec, "controller")
        return pod.ask(box, box["readinessProbe"]["exec"]["command"])

    assert served() == [], "nobody before somebody is"
    start(pods["pulse-0"])
    wait_for("the first one is active", lambda: served() == ["pulse-0"])
    start(pods["pulse-1"])
    wait_for("standing by is ready", lambda: ready(pods["pulse-1"])[0] == 0)
    assert ready(pods["pulse-1"])[1].startswith("standby: ") and ready(pods["pulse-0"]) == (0, "active\n")
    assert served() == ["pulse-0"]
    # A rollout ends the active one: the other one has the address at once.
    assert pods["pulse-0"].end("controller", signal.SIGTERM) == 0
    begun = time.monotonic()
    wait_for("a takeover", lambda: served() == ["pulse-1"])
    assert time.monotonic() - begun < 8, "sooner than leases expire"
    assert ready(pods["pulse-0"])[0] != 0, "and what has ended is not ready"
    # The machine of the active one is gone, with its sidecar: the other one takes the label away from it.
    pods["pulse-0"].start(container(pods["pulse-0"].spec, "controller"))
    wait_for("the first one stands by", lambda: ready(pods["pulse-0"])[0] == 0)
    pods["pulse-1"].end("sidecar", signal.SIGKILL)
    pods["pulse-1"].end("controller", signal.SIGKILL)
    wait_for("a takeover after the leases", lambda: served() == ["pulse-0"])
