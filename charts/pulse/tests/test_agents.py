"""Agents: each kind, its name and where its identity lies, and how it gets its token."""

from support import (
    SETS,
    agents,
    container,
    controller,
    environment,
    one,
    pod_of,
    render,
    rendered,
)


def data_of(name):
    workload = agents(rendered(name))
    found = [volume for volume in pod_of(workload)["volumes"] if volume["name"] == "data"]
    return found[0] if found else workload["spec"]["volumeClaimTemplates"][0]


def name_of(name):
    box = container(pod_of(agents(rendered(name))), "agent")
    field = next(item for item in box["env"] if item["name"] == "HOST")["valueFrom"]["fieldRef"]["fieldPath"]
    return environment(box)["PULSE_AGENT_NAME"], field


def test_on_each_node_with_its_name_and_a_folder_that_stays():
    workload = agents(rendered("agents-daemonset"))
    assert workload["kind"] == "DaemonSet" and "replicas" not in workload["spec"]
    assert workload["spec"]["updateStrategy"] == {"type": "OnDelete"}
    assert name_of("agents-daemonset") == ("prod-$(HOST)", "spec.nodeName")
    assert data_of("agents-daemonset")["hostPath"] == {"path": "/var/lib/pulse-agent/ops-pulse", "type": "DirectoryOrCreate"}
    said = environment(container(pod_of(workload), "agent"))
    assert said["PULSE_AGENT_LABELS"] == "env=prod,role=node" and said["PULSE_AGENT_SLOTS"] == "5"


def test_with_names_and_volumes_that_stay():
    workload = agents(rendered("trial-mariadb"))
    assert (workload["kind"], workload["spec"]["replicas"]) == ("StatefulSet", 2)
    assert (
        name_of("trial-mariadb") == ("$(HOST)", "metadata.name") and data_of("trial-mariadb")["kind"] == "PersistentVolumeClaim"
    )


def test_new_ones_with_each_pod():
    workload = agents(rendered("agents-deployment"))
    assert (workload["kind"], workload["spec"]["replicas"]) == ("Deployment", 3)
    assert name_of("agents-deployment") == ("$(HOST)", "metadata.name") and "emptyDir" in data_of("agents-deployment")


def test_the_variable_of_a_name_comes_before_its_use():
    names = [item["name"] for item in container(pod_of(agents(rendered("tls-auto"))), "agent")["env"]]
    assert names.index("HOST") < names.index("PULSE_AGENT_NAME"), "Kubernetes leaves a later one as it stands"


def test_the_token_comes_by_itself():
    objects = rendered("agents-daemonset")
    secret = one(objects, "Secret", "pulse-enrolment")
    assert "data" not in secret and "stringData" not in secret, "what Helm does not know, no upgrade takes away"
    volume = next(item for item in pod_of(agents(objects))["volumes"] if item["name"] == "enrolment")["secret"]
    assert volume["secretName"] == "pulse-enrolment" and volume["items"] == [{"key": "token", "path": "token"}]
    assert not volume.get("optional"), "the pod waits for the token"
    sidecar = container(pod_of(controller(objects)), "sidecar")
    assert (
        "--secret=pulse-enrolment" in sidecar["args"]
        and environment(sidecar)["PULSE_TOKEN_FILE"] == "/etc/pulse/secrets/admin-token"
    )
    rule = one(objects, "Role")["rules"]
    assert rule == [
        {"apiGroups": [""], "resources": ["secrets"], "resourceNames": ["pulse-enrolment"], "verbs": ["get", "patch"]}
    ]


def test_or_from_a_secret_of_ones_own():
    objects = rendered("agents-deployment")
    volume = next(item for item in pod_of(agents(objects))["volumes"] if item["name"] == "enrolment")["secret"]
    assert (volume["secretName"], volume["items"]) == ("enrolment", [{"key": "pulse", "path": "token"}])
    assert not [item for item in objects if item["kind"] in ("Role", "RoleBinding")]


def test_the_first_process_takes_orphans_away():
    for name in ("agents-daemonset", "agents-deployment", "trial-mariadb"):
        assert pod_of(agents(rendered(name)))["shareProcessNamespace"] is True
    assert pod_of(agents(rendered("agents-host")))["hostPID"] is True


def test_a_change_of_tls_or_labels_asks_for_another_token():
    def asked(values):
        return [
            arg
            for arg in container(pod_of(controller(render(values))), "sidecar")["args"]
            if arg.startswith(("--made-for", "--label"))
        ]

    assert asked(SETS["tls-auto"]) == ["--made-for=tls auto"] != asked(SETS["agents-host"])
