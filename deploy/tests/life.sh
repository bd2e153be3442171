#!/bin/bash
# The life of the packages on a machine with systemd, which scripts/machine makes: installed, started, bound, used, upgraded, removed, purged; then
# an agent by install-agent.sh. `life.sh OLD NEW`: two folders of packages. Every line that begins with `ok` is a check.
# shellcheck disable=SC2016 # what stands in single quotes is for another shell
set -euo pipefail
old=$1 new=$2
export DEBIAN_FRONTEND=noninteractive
passed=0

ok() {
    passed=$((passed + 1))
    printf 'ok %s (%s s)\n' "$1" "$SECONDS"
}
fail() {
    printf 'FAILED: %s\n' "$1"
    journalctl -q -o cat -n 40 -u pulse-controller -u pulse-agent -u 'pulse-agent-shims@*' || true
    systemctl --no-pager --full status 'pulse-*' 2>&1 | head -n 60 || true
    printf '%s passed, 1 failed\n' "$passed"
    exit 1
}
check() { # WHAT COMMAND...
    local what=$1
    shift
    if "$@" >/tmp/said 2>&1; then ok "$what"; else cat /tmp/said; fail "$what"; fi
}
same() { # WHAT IS SHOULD
    if [ "$2" = "$3" ]; then ok "$1"; else fail "$1: '$2' instead of '$3'"; fi
}
until_true() { # WHAT COMMAND...
    local what=$1 tries=0
    shift
    until "$@" >/tmp/said 2>&1; do
        tries=$((tries + 1))
        [ $tries -lt 300 ] || { cat /tmp/said; fail "$what"; }
        sleep 0.2
    done
    ok "$what"
}
status() { grep -E "^$2:" "/proc/$1/status" | cut -f 2; }
main_pid() { systemctl show -P MainPID "$1"; }
# What a command says that PULSE runs on this machine as an agent.
on_agent() { pulse exec --each --timeout 60s "$agent" -c "$1" 2>/tmp/exec.err | sed 's/^[^|]*| //'; }
ready() { curl -fsS http://127.0.0.1:8080/health/ready; }

# --- installed
check 'the packages install' dpkg -i "$old"/pulse-controller_*.deb "$old"/pulse-agent_*.deb "$old"/pulse-cli_*.deb
until_true 'the controller is started and ready' ready
check 'it knows the boot, by which it knows its leases' sh -c 'journalctl -o cat -u pulse-controller | grep -Eq "owner=[^ ]*$(cat /proc/sys/kernel/random/boot_id)"'
same 'it is its own user' "$(stat -c %U "/proc/$(main_pid pulse-controller)")" pulse
same 'its data are its own' "$(stat -c '%U %a' /var/lib/pulse)" 'pulse 700'
same 'an agent that knows no controller is not started' "$(systemctl is-active pulse-agent || true) $(systemctl is-enabled pulse-agent)" 'inactive enabled'
same 'no settings file holds more rights than it needs' "$(stat -c '%U %a' /etc/pulse /etc/pulse/agent.yaml /etc/default/pulse-agent | sort -u | tr '\n' ,)" 'root 644,root 755,'
for page in pulse.1 pulse-agent.8 pulse-controller.8; do
    check "the manual page $page is there" sh -c "gzip -dc /usr/share/man/man*/$page.gz | grep -q '^.SH DESCRIPTION'"
done
check 'every unit is well-formed' systemd-analyze verify pulse-controller.service pulse-agent.service pulse-agent-shims.socket pulse-agent-shims@.service pulse-commands.slice
check 'the controller is exposed to at most 1.5 of 10' systemd-analyze security --no-pager --threshold=15 pulse-controller.service
check 'the agent is exposed to at most 2.5 of 10' systemd-analyze security --no-pager --threshold=25 pulse-agent.service

# --- used
PULSE_TOKEN=$(cat /var/lib/pulse/admin-token)
export PULSE_TOKEN PULSE_SERVER=http://127.0.0.1:8080
agent=machine
mkdir -p /srv/flows
cat >/srv/flows/slow.yaml <<'END'
apiVersion: pulse.dev/v1
kind: Workflow
metadata: {name: slow}
spec:
  steps:
    - id: work
      type: execute
      targets: [machine]
      command: "echo $$ > /tmp/slow.pid; for i in $(seq 600); do echo line $i; [ -e /tmp/slow.end ] && exit 0; sleep 0.1; done; exit 9"
---
apiVersion: pulse.dev/v1
kind: Workflow
metadata: {name: whoami}
spec:
  params: []
  steps:
    - {id: who, type: execute, targets: [machine], user: nobody, command: "id -un > who; cat who"}
END
printf 'PULSE_SOURCE_URL=/srv/flows\n' >>/etc/default/pulse-controller
systemctl restart pulse-controller
until_true 'the controller comes back with its setting' sh -c 'pulse get workflows -o name | grep -q slow'
install -m 640 -g pulse-agent /dev/null /etc/pulse/agent-token
pulse agents token -o name >/etc/pulse/agent-token 2>/dev/null
printf 'PULSE_SERVER=http://127.0.0.1:8080\nPULSE_AGENT_TOKEN_FILE=/etc/pulse/agent-token\n' >>/etc/default/pulse-agent
systemctl start pulse-agent
online() { pulse get agents | grep -q "^$1 .*online"; }
until_true 'the agent enrols' online machine

# --- the agent is bound, its commands are not
pid=$(main_pid pulse-agent)
same 'the agent itself gains no right and is filtered' "$(status "$pid" NoNewPrivs) $(status "$pid" Seccomp) $(status "$pid" CapBnd)" '1 2 0000000000000000'
said=$(on_agent 'id -un; grep -E "^(NoNewPrivs|Seccomp|CapBnd):" /proc/self/status | cut -f 2 | tr "\n" " "')
same 'a command is the same user without any of that' "$said" "pulse-agent
$(status 1 CapBnd) 0 0 "
same 'a command sees the files that everybody sees' "$(on_agent 'for n in mnt net pid ipc uts user; do readlink /proc/self/ns/$n; done')" \
    "$(for n in mnt net pid ipc uts user; do readlink /proc/1/ns/$n; done)"
said=$(on_agent 'sudo -n id -u 2>/dev/null || echo refused')
same "sudo is the host owner's to allow" "$said" refused
printf 'pulse-agent ALL=(root) NOPASSWD: ALL\n' >/etc/sudoers.d/pulse-agent
chmod 440 /etc/sudoers.d/pulse-agent
same 'sudo works through it' "$(on_agent 'sudo -n id -u')" 0
mkdir -p /tmp/probe/DEBIAN /tmp/probe/usr/share/pulse-probe
printf 'Package: pulse-probe\nVersion: 1\nArchitecture: all\nMaintainer: a <a@example.org>\nDescription: probe\n' >/tmp/probe/DEBIAN/control
printf '#!/bin/sh\nmount -t tmpfs none /mnt && umount /mnt && echo mounted\n' >/tmp/probe/DEBIAN/postinst
chmod 755 /tmp/probe/DEBIAN/postinst
dpkg-deb --root-owner-group -Znone -b /tmp/probe /tmp/pulse-probe.deb >/dev/null
said=$(on_agent 'sudo -n env DEBIAN_FRONTEND=noninteractive apt-get install -y -o APT::Sandbox::User=root /tmp/pulse-probe.deb 2>&1 | grep -c mounted; dpkg-query -W -f "\${Status}" pulse-probe')
same 'apt installs through it' "$said" '1
install ok installed'
check 'and it is really there' test -d /usr/share/pulse-probe

key=$(sha256sum </var/lib/pulse-agent/identity.key)
check 'its key is rotated on the host' runuser -u pulse-agent -- pulse-agent rotate-key --data-dir /var/lib/pulse-agent
[ "$(sha256sum </var/lib/pulse-agent/identity.key)" != "$key" ] || fail 'the key is the same as before'

# --- as whom commands run
refused=$(pulse run whoami --follow 2>&1 || true; pulse why 'whoami#1' 2>&1 || true)
case $refused in *allowUsers*) ok 'a user that the host does not allow is refused with the reason' ;; *) fail "a refusal without a reason: $refused" ;; esac

# --- restarts and upgrades keep commands
begin_slow() {
    rm -f /tmp/slow.pid /tmp/slow.end
    slow=$(pulse run slow)
    until_true "$1 has begun" test -s /tmp/slow.pid
    slow_pid=$(cat /tmp/slow.pid)
}
end_slow() { # WHAT
    check "$1: it is the same process" kill -0 "$slow_pid"
    until_true "$1: the agent is back" online "$agent"
    touch /tmp/slow.end
    until_true "$1: its end is told" sh -c "pulse get executions $slow -o json | grep -q '\"status\": *\"succeeded\"'"
    lines=$(pulse logs "$slow" | grep -c 'line')
    last=$(pulse logs "$slow" | sed -n 's/.*line //p' | tail -n 1)
    same "$1: no line of its output is lost" "$lines" "$last"
}
begin_slow 'a long command'
before=$(main_pid pulse-agent)
systemctl restart pulse-agent
[ "$(main_pid pulse-agent)" != "$before" ] || fail 'the agent was not restarted'
end_slow 'a restart of the agent'
begin_slow 'a long command'
systemctl kill -s KILL pulse-agent
end_slow 'a killed agent'
begin_slow 'a long command'
systemctl restart pulse-controller
end_slow 'a restart of the controller'

begin_slow 'a long command'
echo '# a line of the owner' >>/etc/pulse/agent.yaml
before=$(main_pid pulse-agent)
check 'the packages upgrade' dpkg -i "$new"/pulse-controller_*.deb "$new"/pulse-agent_*.deb "$new"/pulse-cli_*.deb
[ "$(main_pid pulse-agent)" != "$before" ] || fail 'the agent was not restarted'
same 'the new release is there' "$(dpkg-query -W -f '${Version}' pulse-agent)" "$(basename "$new"/pulse-agent_*.deb | cut -d _ -f 2)"
until_true 'the controller is ready again' ready
end_slow 'an upgrade'
check 'the history is still there' pulse get executions 'slow#1'
check 'settings that were changed are kept' grep -q 'a line of the owner' /etc/pulse/agent.yaml
same 'nobody had to enrol again' "$(pulse get agents --no-headers | wc -l)" 1

begin_slow 'a long command'
systemctl restart pulse-agent
until_true 'the agent is back' online "$agent"
check 'it is cancelled' pulse cancel "$slow" --kill --reason 'a test'
until_true 'it is gone' sh -c "! kill -0 $slow_pid 2>/dev/null"
until_true 'and that is told' sh -c "pulse get executions $slow -o json | grep -q '\"status\": *\"cancelled\"'"

# --- Git from elsewhere, through the controller's filter of system calls
mkdir -p /srv/git /srv/cgi/cgi-bin /srv/tls /run/sshd
git init -q --bare -b main /srv/git/flows.git
ln -s "$(git --exec-path)/git-http-backend" /srv/cgi/cgi-bin/git
commit() { # WORKFLOW: everything that is live, and one more of this name
    printf 'apiVersion: pulse.dev/v1\nkind: Workflow\nmetadata: {name: %s}\nspec: {steps: [{id: say, type: execute, targets: [machine], command: echo}]}\n' "$1" >"/srv/flows/$1.yaml"
    rm -rf /tmp/commit && cp -r /srv/flows /tmp/commit
    git -C /tmp/commit init -q -b main && git -C /tmp/commit add . && git -C /tmp/commit -c user.name=a -c user.email=a@example.org commit -qm "$1"
    git -C /tmp/commit push -qf /srv/git/flows.git main
}
source_is() { # SETTING...
    sed -i '/^PULSE_SOURCE_/d' /etc/default/pulse-controller
    printf '%s\n' "$@" >>/etc/default/pulse-controller
    systemctl restart pulse-controller
}
live() { pulse get workflows -o name | grep -qx "$1"; }
new_key=(-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes)
openssl req -x509 "${new_key[@]}" -days 2 -subj /CN=authority -keyout /srv/tls/authority.key -out /etc/pulse/git.pem 2>/dev/null
openssl req "${new_key[@]}" -subj /CN=git -keyout /srv/tls/key.pem -out /srv/tls/request.pem 2>/dev/null
printf 'subjectAltName=IP:127.0.0.1\nbasicConstraints=CA:FALSE\n' >/srv/tls/leaf
openssl x509 -req -in /srv/tls/request.pem -CA /etc/pulse/git.pem -CAkey /srv/tls/authority.key -CAcreateserial -CAserial /srv/tls/serial -days 2 -extfile /srv/tls/leaf -out /srv/tls/cert.pem 2>/dev/null
cat >/srv/https.py <<'END'
import http.server, os, ssl
os.chdir("/srv/cgi")
os.environ.update(GIT_PROJECT_ROOT="/srv/git", GIT_HTTP_EXPORT_ALL="1", GIT_CONFIG_COUNT="1", GIT_CONFIG_KEY_0="safe.directory", GIT_CONFIG_VALUE_0="*")
# A child that has the socket itself would write past TLS.
http.server.CGIHTTPRequestHandler.have_fork = False
server = http.server.ThreadingHTTPServer(("127.0.0.1", 8443), http.server.CGIHTTPRequestHandler)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain("/srv/tls/cert.pem", "/srv/tls/key.pem")
server.socket = context.wrap_socket(server.socket, server_side=True)
server.serve_forever()
END
systemd-run -q --unit=git-https /usr/bin/python3 /srv/https.py
commit by-https
source_is PULSE_SOURCE_URL=https://127.0.0.1:8443/cgi-bin/git/flows.git PULSE_SOURCE_CA=/etc/pulse/git.pem
until_true 'Git over https' live by-https

ssh-keygen -q -t ed25519 -N '' -f /srv/tls/host
ssh-keygen -q -t ed25519 -N '' -f /srv/tls/deploy
install -m 640 -g pulse /srv/tls/deploy /etc/pulse/deploy
printf '[127.0.0.1]:2222 %s\n' "$(cut -d ' ' -f 1,2 /srv/tls/host.pub)" >/etc/pulse/known_hosts
systemd-run -q --unit=git-ssh /usr/sbin/sshd -D -f /dev/null -o Port=2222 -o ListenAddress=127.0.0.1 -o HostKey=/srv/tls/host -o AuthorizedKeysFile=/srv/tls/deploy.pub -o StrictModes=no -o UsePAM=no -o PermitRootLogin=yes
commit by-ssh
source_is PULSE_SOURCE_URL=ssh://root@127.0.0.1:2222/srv/git/flows.git PULSE_SOURCE_SSH_KEY_FILE=/etc/pulse/deploy PULSE_SOURCE_KNOWN_HOSTS=/etc/pulse/known_hosts
until_true 'Git over ssh' live by-ssh
commit by-folder
source_is PULSE_SOURCE_URL=/srv/flows
until_true 'and a folder again' live by-folder

# --- as another user, where the host allows it
cp -r /usr/share/doc/pulse-agent/examples/root/* /etc/systemd/system/
printf 'allowUsers: [nobody, daemon]\ndefaultUser: daemon\n' >/etc/pulse/agent.yaml
systemctl daemon-reload
systemctl stop pulse-agent
systemctl start pulse-agent
until_true 'an agent of root is back' online machine
pid=$(main_pid pulse-agent)
same 'it has no right but to tidy up' "$(stat -c %U "/proc/$pid") $(status "$pid" CapEff)" 'root 000000000000000a'
check 'a user that is allowed' pulse run whoami --follow
same 'is that user' "$(pulse logs 'whoami#2' | sed 's/^[^|]*| //')" nobody
same 'who names nobody is the default user' "$(on_agent 'id -un')" daemon
same 'root is not allowed' "$(pulse exec --user root machine -- id -un 2>&1 | grep -c '^root$' || true)" 0
until_true 'nothing is left of their work folders' sh -c '! ls -d /var/lib/pulse-agent/attempts/*/work 2>/dev/null | grep -q .'
rm -rf /etc/systemd/system/pulse-agent*.d
systemctl daemon-reload

# --- removed, purged
check 'the agent is removed' dpkg -r pulse-agent
same 'it is stopped' "$(systemctl is-active pulse-agent || true) $(systemctl is-active pulse-agent-shims.socket || true)" 'inactive inactive'
check 'its key and its settings stay' test -e /var/lib/pulse-agent/identity.key -a -e /etc/default/pulse-agent
check 'the agent is purged' dpkg -P pulse-agent
same 'nothing of it is left' "$(ls -d /var/lib/pulse-agent /etc/default/pulse-agent /etc/pulse/agent* /usr/bin/pulse-agent /run/pulse-agent/shims 2>/dev/null || true)" ''

# --- install-agent.sh
agent=scripted
cd /tmp
curl -fsS -o install-agent.sh http://127.0.0.1:8080/install-agent.sh
check 'the script has its checksum' sh -c 'curl -fsS http://127.0.0.1:8080/install-agent.sh.sha256 | sha256sum --check'
command -v shellcheck >/dev/null && check 'the script is clean' shellcheck install-agent.sh
install_agent() { sh /tmp/install-agent.sh --server http://127.0.0.1:8080 --name scripted "$@"; }
refuses() { # WHAT WORDS COMMAND...
    local what=$1 words=$2
    shift 2
    if "$@" >/tmp/said 2>&1 </dev/null; then fail "$what was taken"; fi
    grep -q -- "$words" /tmp/said || { cat /tmp/said; fail "$what: no word of $words"; }
    ok "$what is refused"
}
refuses 'a wrong checksum' 'nothing was installed' install_agent --sha256 "$(printf '%064d' 0)"
refuses 'plain http to another host' 'use https' sh install-agent.sh --server http://pulse.example.org
refuses 'an unknown argument' 'unknown argument' install_agent --tokn x
refuses 'a value that would be another line' 'are taken here' install_agent --labels "$(printf 'a=b\nPULSE_X=1')"
check 'nothing was installed by these' test ! -e /usr/local/bin/pulse-agent
refuses 'no token' 'needs a token' install_agent
pulse agents token -o name 2>/dev/null >/tmp/token
check 'it installs and enrols' sh -c 'sh /tmp/install-agent.sh --server http://127.0.0.1:8080 --name scripted --labels role=web --token-stdin </tmp/token'
until_true 'the agent is there' online scripted
check 'the token is gone from the host' sh -c '! grep -rqF "$(cat /tmp/token)" /etc /var/lib/pulse-agent'
same 'its token file is its own' "$(stat -c '%U %a' /etc/pulse/agent-token)" 'pulse-agent 600'
pid=$(main_pid pulse-agent)
same "it is the program of the controller's package" "$(sha256sum </usr/local/bin/pulse-agent)" "$(sha256sum </usr/lib/pulse/agents/pulse-agent-"$(uname -m)")"
for unit in pulse-agent.service pulse-agent-shims.socket pulse-agent-shims@.service pulse-commands.slice; do
    same "its unit $unit is that of the package" "$(cat /etc/systemd/system/$unit)" "$(sed 's|/usr/bin/pulse-agent|/usr/local/bin/pulse-agent|' "/repository/deploy/systemd/$unit")"
done
same 'sudo works through it' "$(on_agent 'sudo -n id -u')" 0
check 'it can be run again' install_agent
same 'and then restarts nothing' "$(main_pid pulse-agent)" "$pid"
begin_slow_on_scripted() { sed -i 's/machine/scripted/' /srv/flows/slow.yaml; until_true 'the edit is live' sh -c 'pulse describe workflow slow | grep -q scripted'; }
begin_slow_on_scripted
begin_slow 'a long command'
printf 'x' >>/usr/local/bin/pulse-agent.new && rm /usr/local/bin/pulse-agent.new
cp /usr/local/bin/pulse-agent /tmp/older && printf 'older' >>/tmp/older && mv /tmp/older /usr/local/bin/pulse-agent
check 'it upgrades another program' install_agent
[ "$(main_pid pulse-agent)" != "$pid" ] || fail 'the agent was not restarted'
end_slow 'an upgrade by the script'

# --- the controller goes
check 'the controller and the command line are purged' dpkg -P pulse-controller pulse-cli
same 'nothing of them is left' "$(ls -d /var/lib/pulse /etc/default/pulse-controller /usr/bin/pulse /usr/bin/pulse-controller /usr/lib/pulse 2>/dev/null || true)" ''
printf '%s passed, 0 failed\n' "$passed"
