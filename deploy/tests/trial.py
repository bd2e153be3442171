"""What deploy/trial/repository.sh asks of a Gitea, asked of a stand-in that answers as Gitea's API does: once everything is made, the second time
nothing is."""

import base64
import http.server
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import threading

SECRET = "0123456789abcdef"
ROOT = pathlib.Path(__file__).resolve().parents[2]
users, repositories, files, hooks = set(), set(), {}, []


class Gitea(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def answer(self, status, body):
        text = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def who(self):
        user, _, password = base64.b64decode(self.headers["authorization"].split()[1]).decode().partition(":")
        return user if user in users and password == SECRET else None

    def do_GET(self):
        if self.who() is None:
            return self.answer(401, {"message": "no"})
        if self.path == "/api/v1/user":
            return self.answer(200, {"login": self.who()})
        assert self.path == "/api/v1/repos/pulse/ops/hooks", self.path
        self.answer(200, hooks)

    def do_POST(self):
        assert self.who() == "pulse"
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        if self.path == "/api/v1/user/repos":
            there = body["name"] in repositories
            repositories.add(body["name"])
            return self.answer(409 if there else 201, {})
        if self.path == "/api/v1/repos/pulse/ops/hooks":
            hooks.append(body)
            return self.answer(201, body)
        name = self.path.removeprefix("/api/v1/repos/pulse/ops/contents/")
        there = name in files
        files.setdefault(name, base64.b64decode(body["content"]))
        self.answer(422 if there else 201, {})


def main():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Gitea)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with tempfile.TemporaryDirectory() as folder:
        stand_in = pathlib.Path(folder, "gitea")
        stand_in.write_text(f'#!/bin/sh\necho "$@" >>{folder}/said\nuntil [ -e {folder}/there ]; do sleep 0.05; done\n')
        stand_in.chmod(0o755)
        script = ROOT / "deploy/trial/repository.sh"
        environment = {
            "PATH": f"{folder}:{os.environ['PATH']}",
            "GITEA": f"http://127.0.0.1:{server.server_port}",
            "WORKFLOWS": f"{ROOT}/examples/workflows",
            "PULSE_TRIAL_SECRET": SECRET,
        }
        for first in (True, False):
            run = subprocess.Popen(["sh", script], env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
            if first:
                # `gitea admin user create` works beside the API.
                while not pathlib.Path(folder, "said").exists() and run.poll() is None:
                    pass
                users.add("pulse")
                pathlib.Path(folder, "there").touch()
            said = run.communicate(timeout=30)[0].decode()
            assert run.returncode == 0, said
        bad = subprocess.run(["sh", script], env=environment | {"PULSE_TRIAL_SECRET": 'a"b'}, capture_output=True, check=False)
        assert bad.returncode == 1 and b"letters and digits" in bad.stderr, bad
    examples = ROOT / "examples/workflows"
    wanted = {str(path.relative_to(examples)): path.read_bytes() for path in examples.rglob("*") if path.is_file()}
    assert files == wanted and any("/" in name for name in wanted), sorted(files)
    assert len(hooks) == 1, hooks
    assert hooks[0]["config"] == {"url": "http://controller:8080/webhooks/gitea", "content_type": "json", "secret": SECRET}, hooks


sys.exit(main())
