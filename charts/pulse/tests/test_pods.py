"""Security of every pod of every value set, and who gets an account of the cluster."""

import pytest
from support import (
    SETS,
    agents,
    any_of,
    container,
    containers,
    environment,
    one,
    pod_of,
    pods,
    render,
    rendered,
)

ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount"


def every_container():
    for name in SETS:
        for workload in pods(rendered(name)):
            for box in containers(pod_of(workload)):
                yield name, workload, box


def exempt(name, workload, box):
    """The two that may be root, each only where it was asked for."""
    folder = box["name"] == "folder" and workload["kind"] == "DaemonSet"
    return folder or (name == "agents-host" and box["name"] == "agent")


def test_every_container_is_confined():
    looked = 0
    for name, workload, box in every_container():
        pod, security = pod_of(workload), box["securityContext"]
        where = (name, workload["metadata"]["name"], box["name"])
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}, where
        looked += 1
        if exempt(name, workload, box):
            continue
        assert pod["securityContext"]["runAsNonRoot"] is True and pod["securityContext"]["runAsUser"] >= 999, where
        assert "runAsUser" not in security and not security.get("privileged"), where
        assert security["allowPrivilegeEscalation"] is False and security["readOnlyRootFilesystem"] is True, where
        assert security["capabilities"] == {"drop": ["ALL"]}, where
    assert looked > 30


def test_the_folder_of_a_node_is_given_away_and_nothing_else():
    box = container(pod_of(agents(rendered("agents-daemonset"))), "folder")
    security = box["securityContext"]
    assert security["capabilities"] == {"drop": ["ALL"], "add": ["CHOWN"]} and security["readOnlyRootFilesystem"] is True
    assert [mount["mountPath"] for mount in box["volumeMounts"]] == ["/var/lib/pulse-agent"]
    assert "env" not in box and security["allowPrivilegeEscalation"] is False


def test_host_access_is_had_only_where_it_was_asked_for():
    for name in SETS:
        for workload in pods(rendered(name)):
            pod = pod_of(workload)
            asked = name == "agents-host" and workload["kind"] == "DaemonSet"
            assert bool(pod.get("hostPID")) is asked and not pod.get("hostNetwork"), name
            paths = [volume["hostPath"]["path"] for volume in pod["volumes"] if "hostPath" in volume]
            assert ("/" in paths) is asked and (not paths or workload["kind"] == "DaemonSet"), (name, paths)
    box = container(pod_of(agents(rendered("agents-host"))), "agent")
    assert box["securityContext"] == {"privileged": True, "runAsUser": 0}
    assert [
        volume["hostPath"]["path"] for volume in pod_of(agents(rendered("agents-host")))["volumes"] if "hostPath" in volume
    ] == ["/srv/pulse-agent", "/"]


def test_only_the_sidecar_has_an_account_of_the_cluster():
    for name, workload, box in every_container():
        assert pod_of(workload)["automountServiceAccountToken"] is False, name
        mounted = any(mount["mountPath"].startswith(ACCOUNT) for mount in box.get("volumeMounts", []))
        assert mounted is (box["name"] == "sidecar"), (name, box["name"])
    for name in SETS:
        for account in any_of(rendered(name), "ServiceAccount"):
            assert account["automountServiceAccountToken"] is False


def test_all_but_daemonsets_keep_to_the_standard_restricted():
    """The Pod Security Standard; what it says of containers is above."""
    allowed = {"configMap", "downwardAPI", "emptyDir", "persistentVolumeClaim", "projected", "secret"}
    for name in SETS:
        for workload in pods(rendered(name)):
            if workload["kind"] != "DaemonSet":
                pod = pod_of(workload)
                assert not {"hostPID", "hostNetwork", "hostIPC"} & pod.keys()
                assert all(set(volume) - {"name"} <= allowed for volume in pod["volumes"]), (name, workload["metadata"]["name"])
                assert not any("hostPort" in port for box in containers(pod) for port in box.get("ports", []))


def test_secrets_are_files_and_stand_in_no_environment():
    given = ["read-only-token", "a private key", "a secret", "pulse:secret"]
    for name in SETS:
        for item in rendered(name):
            if item["kind"] != "Secret":
                assert not any(secret in str(item) for secret in given), (name, item["kind"], item["metadata"]["name"])
    for name, _, box in every_container():
        for variable, value in environment(box).items():
            if (
                any(word in variable for word in ("TOKEN", "SECRET", "PASSWORD", "DATABASE_URL", "TLS_KEY", "SSH_KEY"))
                and variable != "MARIADB_RANDOM_ROOT_PASSWORD"
            ):
                assert variable.endswith("_FILE") and value.startswith("/etc/"), (name, variable)


def test_every_container_says_what_it_needs_and_the_agents_token_is_no_administrators():
    for name, workload, box in every_container():
        if workload["kind"] != "Pod":
            assert box["resources"]["requests"], (name, box["name"])
    for name in ("agents-daemonset", "agents-deployment", "trial-mariadb"):
        names = {volume["secret"]["secretName"] for volume in pod_of(agents(rendered(name)))["volumes"] if "secret" in volume}
        assert names <= {"pulse-enrolment", "enrolment"}, names


@pytest.mark.parametrize("name", SETS)
def test_every_mount_has_its_volume(name):
    for workload in pods(rendered(name)):
        pod = pod_of(workload)
        volumes = {volume["name"] for volume in pod["volumes"]}
        volumes |= {claim["metadata"]["name"] for claim in workload["spec"].get("volumeClaimTemplates", [])}
        used = {mount["name"] for box in containers(pod) for mount in box.get("volumeMounts", [])}
        assert used == volumes, (workload["metadata"]["name"], used ^ volumes)


@pytest.mark.parametrize("name", SETS)
def test_every_file_of_a_setting_is_mounted(name):
    for workload in pods(rendered(name)):
        for box in containers(pod_of(workload)):
            places = [mount["mountPath"] for mount in box.get("volumeMounts", [])]
            for variable, value in environment(box).items():
                if value and value.startswith(("/etc/pulse/", "/var/lib/pulse")):
                    assert any(value.startswith(f"{place}/") for place in places), (variable, value, places)


def test_registry_digest_and_pull_secrets():
    values = {
        "source": {"url": "https://g/x.git"},
        "image": {"registry": "r.example/ops/", "digest": "sha256:" + "a" * 64},
        "agents": {"enabled": True, "image": {"tag": "9"}},
        "imagePullSecrets": [{"name": "key"}],
    }
    objects = render(values)
    assert (
        container(pod_of(one(objects, "Deployment")), "controller")["image"]
        == f"r.example/ops/pulse-controller@sha256:{'a' * 64}"
    )
    assert container(pod_of(agents(objects)), "agent")["image"] == "r.example/ops/pulse-agent:9"
    assert all(pod_of(item)["imagePullSecrets"] == [{"name": "key"}] for item in pods(objects))
