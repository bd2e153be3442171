"""Runs the containers that the chart describes as processes of this machine: their commands, their environment, their files. Addresses and
paths are those of the test; everything else is the chart's own."""

import base64
import os
import shutil
import socket
import subprocess
import time
from pathlib import Path

from cluster import ACCOUNT
from support import ROOT, environment

BINARIES = Path(os.environ.get("PULSE_TEST_BINARIES", ROOT / "target/debug"))


def free_port():
    """A port that is free now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def wait_for(what, look, seconds=30):
    """What `look` says as soon as it says something."""
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        found = look()
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError(f"not within {seconds} s: {what}")


class Pod:
    """A pod's folder: what its containers see of the disk."""

    def __init__(self, spec, cluster, folder, fields, addresses):
        self.spec, self.cluster, self.folder, self.fields, self.addresses = spec, cluster, folder, fields, addresses
        self.processes = {}

    def volume(self, name):
        """The folder of a volume, filled as Kubernetes fills it."""
        folder = self.folder / "volumes" / name
        volume = next((item for item in self.spec["volumes"] if item["name"] == name), {})
        sources = volume.get("projected", {}).get("sources", []) or [
            {kind: volume[kind]} for kind in ("secret", "configMap") if kind in volume
        ]
        if folder.exists():
            return folder
        folder.mkdir(parents=True)
        for source in sources:
            for kind, plural in (("secret", "Secret"), ("configMap", "ConfigMap")):
                if kind in source and plural == "Secret":
                    named = source[kind].get("name") or source[kind]["secretName"]
                    data = self.cluster.get("Secret", named)["data"]
                    for item in source[kind]["items"]:
                        (folder / item["path"]).write_bytes(base64.b64decode(data[item["key"]]))
            if "serviceAccountToken" in source:
                (folder / "token").write_text(ACCOUNT)
                (folder / "namespace").write_text(self.fields["metadata.namespace"])
        return folder

    def local(self, box, text):
        """A text with the paths and addresses of this machine."""
        for mount in box.get("volumeMounts", []):
            if text.startswith(f"{mount['mountPath']}/"):
                return text.replace(mount["mountPath"], str(self.volume(mount["name"])), 1)
        for there, here in self.addresses.items():
            text = text.replace(there, here)
        return text

    def command(self, box, *more):
        """Words and environment of a container."""
        variables = {}
        for item in box.get("env", []):
            value = item.get("value")
            if value is None:
                value = self.fields[item["valueFrom"]["fieldRef"]["fieldPath"]]
            for name, known in variables.items():
                value = value.replace(f"$({name})", known)
            variables[item["name"]] = self.local(box, value)
        words = [self.local(box, word) for word in box.get("command", []) + box.get("args", [])]
        for name, known in variables.items():
            words = [word.replace(f"$({name})", known) for word in words]
        return [str(BINARIES / words[0]), *words[1:], *more], {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            **variables,
        }

    def start(self, box, *more):
        """Starts a container."""
        words, variables = self.command(box, *more)
        log = (self.folder / f"{box['name']}.log").open("a")
        self.processes[box["name"]] = subprocess.Popen(words, env=variables, stdout=log, stderr=log, cwd=self.folder)

    def sidecar(self, box):
        """Starts the sidecar, which finds the cluster and its account here."""
        account = next(mount["name"] for mount in box["volumeMounts"] if mount["mountPath"].startswith("/var/run/secrets"))
        self.start(box, f"--cluster={self.cluster.url}", f"--account={self.volume(account)}")

    def ask(self, box, command=None):
        """Runs a container, or a probe within one, to its end: exit code and output."""
        words, variables = self.command({**box, "command": command or box["command"], "args": []})
        ended = subprocess.run(words, env=variables, capture_output=True, text=True, timeout=30)
        return ended.returncode, ended.stdout + ended.stderr

    def log(self, name):
        """What a container wrote."""
        return (self.folder / f"{name}.log").read_text()

    def end(self, name, signal):
        """Sends a signal, and waits for the end."""
        process = self.processes[name]
        process.send_signal(signal)
        return process.wait(timeout=30)

    def close(self):
        """Ends what still runs, and says what each wrote, for whoever reads of a failure."""
        for process in self.processes.values():
            process.kill()
            process.wait()
        for path in sorted(self.folder.glob("*.log")):
            print(f"-- {self.folder.name}/{path.name}:\n{path.read_text()[-3000:]}")


def repository(folder):
    """A bare repository with one workflow."""
    work = folder / "work"
    work.mkdir()
    (work / "hello.yaml").write_text(
        "apiVersion: pulse.dev/v1\nkind: Workflow\nmetadata: {name: hello}\nspec:\n  steps:\n"
        "    - {id: say, type: execute, targets: [all], command: echo hello from $PULSE_AGENT}\n"
    )
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "init.defaultBranch=main"]
    for words in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "hello"]):
        subprocess.run(["git", *identity, *words], cwd=work, check=True)
    bare = folder / "ops.git"
    subprocess.run(["git", "clone", "-q", "--bare", str(work), str(bare)], check=True)
    shutil.rmtree(work)
    return f"file://{bare}"


def variable(box, name):
    """A plain variable of a container."""
    return environment(box)[name]
