"""Who reaches whom: addresses, ingress, policies, TLS; and that nobody gets around a proxy that vouches for people."""

import pytest
from support import (
    ROOT,
    SETS,
    agents,
    any_of,
    container,
    controller,
    environment,
    one,
    pod_of,
    render,
    rendered,
)

MACHINES = {"/api/v1/agents/session", "/webhooks/gitea"}


def policy(name):
    return one(rendered(name), "NetworkPolicy", "pulse")["spec"]


def ports(name):
    return [port["port"] for port in policy(name)["egress"][0]["ports"]]


def selected(peers):
    return [peer["podSelector"]["matchLabels"]["app.kubernetes.io/component"] for peer in peers if "podSelector" in peer]


def test_the_controller_reaches_what_it_was_told_of():
    assert ports("minimal") == [53, 53, 22, 443, 3306]
    assert ports("sqlite")[-1] == 2222, "the port of source.url"
    assert ports("external-mariadb")[-3:] == [3000, 3307, 6443], "and that of the database, and the cluster's API"
    assert ports("oidc") == [53, 53, 22, 443, 3306], "a path behind the colon is no port"
    plain = render({"source": {"url": "http://git.ops/x.git"}})
    assert one(plain, "NetworkPolicy", "pulse")["spec"]["egress"][0]["ports"][-1]["port"] == 80


def test_behind_a_proxy_nobody_reaches_the_controller_beside_it():
    peers = policy("authelia")["ingress"][0]["from"]
    assert selected(peers) == ["test"], "agents run anybody's commands, and come from addresses like the proxy's"
    assert [peer for peer in peers if "namespaceSelector" in peer] == SETS["authelia"]["networkPolicy"]["ingressFrom"] + SETS[
        "authelia"
    ]["networkPolicy"]["metricsFrom"]
    box = container(pod_of(agents(rendered("authelia"))), "agent")
    assert environment(box)["PULSE_SERVER"] == "https://pulse.example.org"
    assert (
        environment(container(pod_of(controller(rendered("authelia"))), "controller"))["PULSE_TRUSTED_PROXIES"] == "10.0.3.0/24"
    )


def test_without_one_the_charts_own_agents_are_let_in():
    values = {**SETS["agents-daemonset"], "networkPolicy": {"ingressFrom": [{"ipBlock": {"cidr": "10.0.0.0/8"}}]}}
    peers = one(render(values), "NetworkPolicy", "pulse")["spec"]["ingress"][0]["from"]
    assert selected(peers) == ["test", "agent"]
    assert "from" not in policy("minimal")["ingress"][0]


def test_agents_let_nobody_in_and_policies_can_be_left_out():
    assert one(rendered("agents-daemonset"), "NetworkPolicy", "pulse-agent")["spec"]["ingress"] in (None, [])
    assert not any_of(render({**SETS["trial-mariadb"], "networkPolicy": {"enabled": False}}), "NetworkPolicy")


def test_people_sign_in_and_machines_do_not():
    people = one(rendered("authelia"), "Ingress", "pulse")
    machines = one(rendered("authelia"), "Ingress", "pulse-machines")
    ours = "nginx.ingress.kubernetes.io/"
    said = people["metadata"]["annotations"]
    assert said[f"{ours}auth-url"] == SETS["authelia"]["ingress"]["authelia"]["authUrl"]
    assert said[f"{ours}auth-response-headers"] == "Remote-User,Remote-Groups,Remote-Name,Remote-Email"
    assert said["cert-manager.io/cluster-issuer"] == "internal"
    assert not any("auth" in key for key in machines["metadata"]["annotations"])
    for ingress in (people, machines):
        assert ingress["spec"]["ingressClassName"] == "nginx"
        assert ingress["metadata"]["annotations"][f"{ours}proxy-read-timeout"] == "3600"
        assert ingress["metadata"]["annotations"][f"{ours}proxy-send-timeout"] == "3600"
        assert ingress["spec"]["tls"] == [{"hosts": ["pulse.example.org"], "secretName": "pulse-tls"}]
    paths = machines["spec"]["rules"][0]["http"]["paths"]
    assert {path["path"] for path in paths} == MACHINES and {path["pathType"] for path in paths} == {"Exact"}


def test_the_machines_paths_are_the_controllers():
    table = (ROOT / "controller/src/api/mod.rs").read_text() + (ROOT / "controller/src/webhook/mod.rs").read_text()
    for path in MACHINES:
        assert f'"{path}"' in table, path


def test_other_ingress_controllers_get_no_annotations_of_nginx():
    for ingress in any_of(rendered("oidc"), "Ingress"):
        assert not ingress["metadata"].get("annotations")
    scheme = "nginx.ingress.kubernetes.io/backend-protocol"
    values = {**SETS["tls-secret"], "ingress": {"enabled": True, "host": "pulse.example.org"}}
    assert one(render(values), "Ingress", "pulse")["metadata"]["annotations"][scheme] == "HTTPS"
    assert one(rendered("authelia"), "Ingress", "pulse")["metadata"]["annotations"][scheme] == "HTTP"


@pytest.mark.parametrize(
    ("name", "url", "plain"),
    [
        ("agents-daemonset", "http://pulse.ops.svc:8080", "true"),
        ("tls-auto", "https://pulse.ops.svc:8080", None),
        ("tls-secret", "https://pulse.example.org", None),
        ("authelia", "https://pulse.example.org", None),
    ],
)
def test_agents_find_the_controller(name, url, plain):
    said = environment(container(pod_of(agents(rendered(name))), "agent"))
    assert (said["PULSE_SERVER"], said.get("PULSE_INSECURE_HTTP")) == (url, plain)


def test_tls_of_the_controller_itself():
    def said(name):
        return environment(container(pod_of(controller(rendered(name))), "controller"))

    assert said("minimal")["PULSE_INSECURE_HTTP"] == "true" and "PULSE_TLS" not in said("minimal")
    # The certificate of its own authority is for the name that agents use.
    assert said("tls-auto")["PULSE_TLS"] == "auto" and said("tls-auto")["PULSE_PUBLIC_URL"] == "https://pulse.ops.svc:8080"
    assert "PULSE_INSECURE_HTTP" not in said("tls-auto") and "PULSE_TLS" not in said("tls-secret")
    assert said("tls-secret")["PULSE_TLS_CERT"] == "/etc/pulse/tls/tls.crt"
    ca = environment(container(pod_of(agents(rendered("tls-secret"))), "agent"))["PULSE_CA"]
    assert ca == "/etc/pulse/ca/ca.pem"
