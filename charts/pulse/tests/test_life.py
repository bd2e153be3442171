"""A release's life, led by Helm itself: install, upgrade, rollback, uninstall, and an install where there was one."""

import json

import pytest
from cluster import Cluster
from helm_python import Config
from support import CHART, NAMESPACE, SETS, rendered

HANDS_ON = {"metadata": {"annotations": {"pulse.dev/token-id": "id-1"}}, "data": {"token": "cHVsc2VfZW5yb2xfeA=="}}


@pytest.fixture
def cluster():
    made = Cluster()
    yield made
    made.close()


def helm(cluster):
    return Config(
        kubeconfig_content=json.dumps(
            {
                "apiVersion": "v1",
                "kind": "Config",
                "current-context": "c",
                "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u", "namespace": NAMESPACE}}],
                "clusters": [{"name": "c", "cluster": {"server": cluster.url}}],
                "users": [{"name": "u", "user": {}}],
            }
        ),
        namespace=NAMESPACE,
        # Its own records do not matter here, and Helm sends them in a form that nobody else can read.
        storage_driver="memory",
        burst_limit=1000,
        qps=1000.0,
    )


def secret(cluster, name="pulse"):
    return cluster.get("Secret", name)["data"]


def test_generated_secrets_and_the_agents_token_outlive_everything(cluster):
    values = SETS["trial-mariadb"]
    with helm(cluster) as config:
        config.install(CHART, "pulse", values, namespace=NAMESPACE)
        made = secret(cluster)
        assert set(made) == {"admin-token", "webhook-secret", "mariadb-password", "database-url"}
        # As the sidecar does.
        cluster.patch("Secret", "pulse-enrolment", HANDS_ON)
        config.upgrade(CHART, "pulse", {**values, "controller": {"replicas": 3}})
        assert cluster.get("StatefulSet", "pulse")["spec"]["replicas"] == 3
        assert secret(cluster) == made and secret(cluster, "pulse-enrolment") == HANDS_ON["data"]
        config.rollback("pulse", version=1)
        assert cluster.get("StatefulSet", "pulse")["spec"]["replicas"] == 2
        assert secret(cluster) == made and secret(cluster, "pulse-enrolment") == HANDS_ON["data"]
        assert cluster.get("Secret", "pulse-enrolment")["metadata"]["annotations"]["pulse.dev/token-id"] == "id-1"
        config.uninstall("pulse")
        assert cluster.names() == {("Secret", "pulse")}, "what belongs to the data stays, and nothing else"
        config.install(CHART, "pulse", values, namespace=NAMESPACE)
        assert secret(cluster) == made, "the server's volume knows its old password"


def test_a_label_of_the_sidecar_outlives_an_upgrade(cluster):
    """Helm writes the workload, never its pods; and the Service's selector stays as it is."""
    with helm(cluster) as config:
        config.install(CHART, "pulse", SETS["external-mariadb"], namespace=NAMESPACE)
        before = cluster.get("Service", "pulse")["spec"]["selector"]
        config.upgrade(CHART, "pulse", {**SETS["external-mariadb"], "service": {"port": 80}})
        assert cluster.get("Service", "pulse")["spec"]["selector"] == before


def test_from_sqlite_to_mariadb_the_volume_stays(cluster):
    with helm(cluster) as config:
        config.install(CHART, "pulse", SETS["minimal"], namespace=NAMESPACE)
        token = secret(cluster)["admin-token"]
        config.upgrade(CHART, "pulse", SETS["monitoring"] | {"monitoring": {}, "crds": {"enabled": False}})
        names = cluster.names()
        assert (
            ("StatefulSet", "pulse") in names
            and ("Deployment", "pulse") not in names
            and ("PersistentVolumeClaim", "pulse") in names
        )
        assert secret(cluster)["admin-token"] == token
        config.rollback("pulse", version=1)
        assert ("Deployment", "pulse") in cluster.names() and secret(cluster)["admin-token"] == token


def test_what_was_installed_is_what_was_rendered(cluster):
    with helm(cluster) as config:
        config.install(CHART, "pulse", SETS["agents-daemonset"], namespace=NAMESPACE)
    assert cluster.names() == {
        (item["kind"], item["metadata"]["name"]) for item in rendered("agents-daemonset") if item["kind"] != "Pod"
    }
