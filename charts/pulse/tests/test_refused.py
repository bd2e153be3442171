"""Values that contradict each other are refused, each with a sentence that names the value and the remedy."""

import pytest
from helm_python import HelmError
from support import render

URL = {"url": "https://git.example.org/team/ops.git"}
EXTERNAL = {"existingSecret": {"name": "database"}}

REFUSED = {
    "no source": ({}, "source.url is not set"),
    "a password in the URL": ({"source": {"url": "https://u:p@g/x.git"}}, "source.url holds a password"),
    "ssh without host keys": ({"source": {"url": "git@g:x.git", "sshKey": "k"}}, "source.knownHosts is not set"),
    "ssh without a key": ({"source": {"url": "ssh://git@g/x.git", "knownHosts": "g k"}}, "there is no key"),
    "two tokens": ({"source": {**URL, "token": "t", "existingSecret": "s"}}, "source.existingSecret and source.token"),
    "two databases": ({"source": URL, "mariadb": {**EXTERNAL, "trial": {"enabled": True}}}, "keep one"),
    "two on SQLite": ({"source": URL, "controller": {"replicas": 2}}, "SQLite has one writer"),
    "no certificate": ({"source": URL, "controller": {"tls": {"mode": "secret"}}}, "set controller.tls.secretName"),
    "two authorities": (
        {"source": URL, "mariadb": EXTERNAL, "controller": {"tls": {"mode": "auto"}}},
        "it needs SQLite with persistence",
    ),
    "an authority that goes": (
        {"source": URL, "persistence": {"enabled": False}, "controller": {"tls": {"mode": "auto"}}},
        "it needs SQLite with persistence",
    ),
    "auto behind an ingress": (
        {"source": URL, "ingress": {"enabled": True, "host": "h"}, "controller": {"tls": {"mode": "auto"}}},
        "would end TLS before it",
    ),
    "an ingress without a host": ({"source": URL, "ingress": {"enabled": True}}, "set ingress.host"),
    "another public URL": (
        {"source": URL, "ingress": {"enabled": True, "host": "h"}, "controller": {"publicUrl": "https://other"}},
        "not the ingress's address",
    ),
    "Authelia without an ingress": ({"source": URL, "ingress": {"authelia": {"enabled": True}}}, "set ingress.enabled"),
    "Authelia without addresses": (
        {"source": URL, "ingress": {"enabled": True, "host": "h", "authelia": {"enabled": True}}},
        "set ingress.authelia.authUrl",
    ),
    "Authelia that nobody believes": (
        {
            "source": URL,
            "ingress": {
                "enabled": True,
                "host": "h",
                "authelia": {"enabled": True, "authUrl": "http://a", "signInUrl": "https://a"},
            },
        },
        "set access.trustedProxies",
    ),
    "a proxy that anybody can play": (
        {"source": URL, "access": {"trustedProxies": ["10.0.0.0/8"]}},
        "set networkPolicy.ingressFrom",
    ),
    "agents beside the proxy": (
        {
            "source": URL,
            "access": {"trustedProxies": ["10.0.0.1"]},
            "networkPolicy": {"enabled": False},
            "agents": {"enabled": True},
        },
        "agents must come through the proxy",
    ),
    "an issuer without a client": (
        {"source": URL, "access": {"oidc": {"issuer": "https://a"}}, "controller": {"publicUrl": "https://p"}},
        "set access.oidc.clientId",
    ),
    "an issuer without a way back": (
        {"source": URL, "access": {"oidc": {"issuer": "https://a", "clientId": "c"}}},
        "has to send people back",
    ),
    "a host of many": (
        {"source": URL, "agents": {"enabled": True, "kind": "Deployment", "host": {"enabled": True}}},
        "set agents.kind to DaemonSet",
    ),
    "a folder of no node": (
        {"source": URL, "agents": {"enabled": True, "kind": "StatefulSet", "hostPath": "/x"}},
        "agents.hostPath is for",
    ),
    "the chart's own variable": (
        {"source": URL, "controller": {"extraEnv": [{"name": "PULSE_LISTEN", "value": "x"}]}},
        "extraEnv sets PULSE_LISTEN",
    ),
    "a word that is none": ({"source": URL, "controller": {"tls": {"mode": "on"}}}, "mode"),
    "no address": ({"source": URL, "controller": {"publicUrl": "pulse.example.org"}}, "publicUrl"),
    "zero controllers": ({"source": URL, "mariadb": EXTERNAL, "controller": {"replicas": 0}}, "replicas"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused(case):
    values, said = REFUSED[case]
    with pytest.raises(HelmError) as error:
        render(values)
    assert said in str(error.value), error.value


def test_everything_wrong_is_told_at_once():
    with pytest.raises(HelmError) as error:
        render({"controller": {"replicas": 2}, "ingress": {"enabled": True}})
    assert all(said in str(error.value) for said in ("source.url is not set", "SQLite has one writer", "set ingress.host"))
