"""A small API server in memory: it keeps objects, merges patches, holds pods to their Role, and decides nothing else. Enough for Helm to
live in."""

import base64
import copy
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import yaml

# Plural, kind, namespaced; by group and version.
KINDS = {
    "v1": [
        ("secrets", "Secret", True),
        ("configmaps", "ConfigMap", True),
        ("services", "Service", True),
        ("pods", "Pod", True),
        ("serviceaccounts", "ServiceAccount", True),
        ("persistentvolumeclaims", "PersistentVolumeClaim", True),
        ("namespaces", "Namespace", False),
    ],
    "apps/v1": [("deployments", "Deployment", True), ("statefulsets", "StatefulSet", True), ("daemonsets", "DaemonSet", True)],
    "networking.k8s.io/v1": [("networkpolicies", "NetworkPolicy", True), ("ingresses", "Ingress", True)],
    "policy/v1": [("poddisruptionbudgets", "PodDisruptionBudget", True)],
    "rbac.authorization.k8s.io/v1": [("roles", "Role", True), ("rolebindings", "RoleBinding", True)],
    "apiextensions.k8s.io/v1": [("customresourcedefinitions", "CustomResourceDefinition", False)],
}


def merge(old, new):
    """A merge patch: maps are merged, null removes, everything else is replaced."""
    if not isinstance(old, dict) or not isinstance(new, dict):
        return new
    merged = dict(old)
    for key, value in new.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = merge(merged.get(key), value)
    return merged


def gone(old, new):
    """What somebody applied before and applies no more, as a patch that removes it."""
    removed = {}
    for key, value in old.items():
        if key not in new:
            removed[key] = None
        elif isinstance(value, dict) and isinstance(new[key], dict):
            inner = gone(value, new[key])
            if inner:
                removed[key] = inner
    return removed


# What a pod's account says; whoever says nothing is Helm's person, who may do everything.
ACCOUNT = "the pod's own account"
VERBS = {"GET": "get", "PATCH": "patch", "POST": "create", "PUT": "update", "DELETE": "delete"}


class Cluster:
    """The server, for as long as it is open."""

    def __init__(self):
        self.objects = {}
        self.applied = {}
        self.lock = threading.Lock()
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server.server_port}"

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def get(self, kind, name):
        """An object, or none."""
        with self.lock:
            return next(
                (
                    copy.deepcopy(item)
                    for item in self.objects.values()
                    if (item["kind"], item["metadata"]["name"]) == (kind, name)
                ),
                None,
            )

    def names(self):
        """Kind and name of every object."""
        with self.lock:
            return {(item["kind"], item["metadata"]["name"]) for item in self.objects.values()}

    def patch(self, kind, name, change):
        """What somebody else than Helm changes."""
        with self.lock:
            key = next(key for key, item in self.objects.items() if (item["kind"], item["metadata"]["name"]) == (kind, name))
            self.objects[key] = merge(self.objects[key], change)

    def may(self, verb, plural, name):
        """Whether a Role gives the pods' account this."""
        rules = [rule for item in self.objects.values() if item["kind"] == "Role" for rule in item["rules"]]
        return any(verb in rule["verbs"] and plural in rule["resources"] and name in rule["resourceNames"] for rule in rules)

    def answer(self, method, path, query, body, content_type, is_pod=False):
        """Status and document."""
        parts = path.strip("/").split("/")
        if path == "/version":
            return 200, {"major": "1", "minor": "33", "gitVersion": "v1.33.0"}
        if path == "/api":
            return 200, {"kind": "APIVersions", "versions": ["v1"]}
        if path == "/apis":
            groups = [version.split("/") for version in KINDS if "/" in version]
            return 200, {
                "kind": "APIGroupList",
                "apiVersion": "v1",
                "groups": [
                    {
                        "name": group,
                        "versions": [{"groupVersion": f"{group}/{version}", "version": version}],
                        "preferredVersion": {"groupVersion": f"{group}/{version}", "version": version},
                    }
                    for group, version in groups
                ],
            }
        if path.startswith("/openapi/v3"):
            return openapi(path)
        version, rest = ("v1", parts[2:]) if parts[0] == "api" else ("/".join(parts[1:3]), parts[3:])
        if version not in KINDS:
            return 404, status(404, f"no {path}")
        if not rest:
            verbs = ["create", "delete", "get", "list", "patch", "update", "watch"]
            return 200, {
                "kind": "APIResourceList",
                "apiVersion": "v1",
                "groupVersion": version,
                "resources": [
                    {"name": plural, "kind": kind, "namespaced": namespaced, "singularName": "", "verbs": verbs}
                    for plural, kind, namespaced in KINDS[version]
                ],
            }
        namespace = ""
        if rest[0] == "namespaces" and len(rest) > 2:
            namespace, rest = rest[1], rest[2:]
        kind = next((kind for plural, kind, _ in KINDS[version] if plural == rest[0]), None)
        if kind is None:
            return 404, status(404, f"no {path}")
        if is_pod and not self.may(VERBS[method], rest[0], rest[1] if len(rest) > 1 else None):
            return 403, status(403, f"the account may not {VERBS[method]} {'/'.join(rest)}", "Forbidden")
        return self.about(method, (version, kind, namespace), rest[1] if len(rest) > 1 else None, query, body, content_type)

    def about(self, method, place, name, query, body, content_type):
        """The same for an object, or a list."""
        version, kind, namespace = place
        if method == "GET" and name is None:
            wanted = [pair.split("=") for pair in query.get("labelSelector", [""])[0].split(",") if "=" in pair]
            items = [
                item
                for key, item in self.objects.items()
                if key[:3] == place and all(item["metadata"].get("labels", {}).get(label) == value for label, value in wanted)
            ]
            return 200, {"kind": f"{kind}List", "apiVersion": version, "metadata": {"resourceVersion": "1"}, "items": items}
        key = (*place, name or body["metadata"]["name"])
        old = self.objects.get(key)
        if method == "POST":
            if old:
                return 409, status(409, f"{kind} {key[3]} already exists", "AlreadyExists")
            return 201, self.keep(key, body)
        if old is None and not (method == "PATCH" and "apply" in content_type):
            return 404, status(404, f"{kind} {name} not found", "NotFound")
        if method == "GET":
            return 200, old
        if method == "DELETE":
            del self.objects[key]
            self.applied.pop(key, None)
            return 200, status(200, "gone")
        if method == "PATCH" and "apply" in content_type:
            # Server-side apply by one manager: what it applied before and applies no more goes; what others set stays.
            removed = gone(self.applied.get(key, {}), body)
            self.applied[key] = body
            return (200 if old else 201), self.keep(key, merge(merge(old or {}, removed), body))
        return 200, self.keep(key, body if method == "PUT" else merge(old, body))

    def keep(self, key, item):
        item = merge(
            {"apiVersion": key[0], "kind": key[1], "metadata": {"namespace": key[2], "uid": "u", "resourceVersion": "1"}}, item
        )
        for field, value in item.pop("stringData", {}).items():
            item.setdefault("data", {})[field] = base64.b64encode(value.encode()).decode()
        self.objects[key] = item
        return item

    def _handler(self):
        cluster = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = -1
            disable_nagle_algorithm = True

            def serve(self):
                url = urlsplit(self.path)
                text = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                body = yaml.safe_load(text) if text else None
                with cluster.lock:
                    code, said = cluster.answer(
                        self.command,
                        url.path,
                        parse_qs(url.query),
                        body,
                        self.headers.get("Content-Type", ""),
                        is_pod=self.headers.get("Authorization") == f"Bearer {ACCOUNT}",
                    )
                    data = json.dumps(said).encode()
                self.send_response(code)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = serve

            def log_message(self, *_):
                """Nothing."""

        return Handler


def openapi(path):
    """As little as makes a client leave the check of fields to the server; test_valid.py has checked them."""
    places = {("api/v1" if version == "v1" else f"apis/{version}"): version for version in KINDS}
    if path == "/openapi/v3":
        return 200, {"paths": {place: {"serverRelativeURL": f"/openapi/v3/{place}?hash=1"} for place in places}}
    version = places[path.removeprefix("/openapi/v3/")]
    group, _, number = version.rpartition("/")
    check = [{"name": "fieldValidation", "in": "query", "schema": {"type": "string"}}]
    return 200, {
        "openapi": "3.0.0",
        "info": {"title": "t", "version": "v"},
        "paths": {
            f"/{plural}": {
                "patch": {
                    "parameters": check,
                    "responses": {"200": {"description": "ok"}},
                    "x-kubernetes-group-version-kind": {"group": group, "version": number, "kind": kind},
                }
            }
            for plural, kind, _ in KINDS[version]
        },
    }


def status(code, message, reason=""):
    """Kubernetes' way to say what came of it."""
    return {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Success" if code < 300 else "Failure",
        "message": message,
        "reason": reason,
        "code": code,
    }
