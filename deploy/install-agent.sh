#!/bin/sh
# Makes this server an agent of a PULSE controller: fetches the agent's program from it, checks its checksum, installs user, units and settings,
# and enrols. Run again, it upgrades and changes only what differs; commands run on through it.
#
#   curl -fsSO https://pulse.example.org/install-agent.sh
#   curl -fsS https://pulse.example.org/install-agent.sh.sha256 | sha256sum --check
#   pulse agents token -o name | sudo sh install-agent.sh --server https://pulse.example.org --token-stdin
#
# The token is read from stdin, from a file, or from PULSE_AGENT_TOKEN. It is never an argument, so no process list shows it.
set -eu
umask 022

usage() {
    cat <<'END'
usage: install-agent.sh --server URL [--token-stdin | --token-file FILE] [--name NAME] [--labels K=V,...] [--ca FILE] [--sha256 HEX]

  --server URL       the controller's address; plain http only on loopback, or with PULSE_INSECURE_HTTP=true
  --token-stdin      read the enrolment token from stdin; also PULSE_AGENT_TOKEN
  --token-file FILE  read it from a file
  --name NAME        the agent's name; the host's unless said
  --labels K=V,...   labels, shown as self/K=V
  --ca FILE          the only certificate authorities to trust over https, PEM
  --sha256 HEX       what the program's checksum must be; the controller's own word unless said
END
}
say() { printf 'install-agent: %s\n' "$*"; }
die() {
    printf 'install-agent: %s\n' "$*" >&2
    exit 1
}

server='' name='' labels='' ca='' sha256='' token=${PULSE_AGENT_TOKEN:-} token_file='' token_stdin=''
unset PULSE_AGENT_TOKEN
while [ $# -gt 0 ]; do
    case $1 in
    -h | --help)
        usage
        exit 0
        ;;
    --token-stdin)
        token_stdin=1
        shift
        continue
        ;;
    --server | --token-file | --name | --labels | --ca | --sha256) ;;
    *)
        usage >&2
        die "unknown argument: $1"
        ;;
    esac
    [ $# -ge 2 ] || die "$1 needs a value"
    case $1 in
    --server) server=${2%/} ;;
    --token-file) token_file=$2 ;;
    --name) name=$2 ;;
    --labels) labels=$2 ;;
    --ca) ca=$2 ;;
    --sha256) sha256=$2 ;;
    esac
    shift 2
done

[ "$(id -u)" = 0 ] || die "run this as root: it makes a user and units"
[ -n "$server" ] || die "--server is missing: give the controller's address, such as https://pulse.example.org"
case $server in
https://*) ;;
http://127.0.0.1 | http://127.0.0.1[:/]* | http://localhost | http://localhost[:/]* | http://'[::1]' | http://'[::1]'[:/]*) ;;
http://*)
    [ "${PULSE_INSECURE_HTTP:-}" = true ] ||
        die "plain http can be changed on its way, and what it brings would run as root: use https, or set PULSE_INSECURE_HTTP=true"
    ;;
*) die "--server $server: give an address such as https://pulse.example.org" ;;
esac
# They become lines of a settings file.
for value in "$server" "$name" "$labels" "$ca"; do
    case $value in
    *[!A-Za-z0-9_.,:/=@%+~\[\]-]*) die "$value: only letters, digits and . , : / = @ % + ~ - _ [ ] are taken here" ;;
    esac
done
if dpkg-query -W -f '${Status}' pulse-agent 2>/dev/null | grep -q ' installed'; then
    die "the Debian package pulse-agent is installed: upgrade it with apt, or remove it first"
fi
for tool in sha256sum install id; do
    command -v $tool >/dev/null 2>&1 || die "$tool is missing on this server"
done
[ -z "$ca" ] || [ -r "$ca" ] || die "--ca $ca cannot be read"
case $ca in '' | /*) ;; *) ca=$(pwd)/$ca ;; esac
if [ -n "$token_file" ]; then
    token=$(cat "$token_file") || die "--token-file $token_file cannot be read"
elif [ -n "$token_stdin" ]; then
    if [ -t 0 ]; then
        printf 'enrolment token: ' >&2
        stty -echo
        trap 'stty echo' EXIT
        IFS= read -r token || true
        stty echo
        trap - EXIT
        printf '\n' >&2
    else
        IFS= read -r token || true
    fi
    [ -n "$token" ] || die "--token-stdin: there is no token on stdin"
fi

case $(uname -m) in
x86_64 | amd64) machine=x86_64 ;;
aarch64 | arm64) machine=aarch64 ;;
*) die "there is no agent for $(uname -m)" ;;
esac
file=pulse-agent-$machine
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

fetch() { # URL FILE
    if command -v curl >/dev/null 2>&1; then
        curl -fsS --connect-timeout 10 --max-time 300 ${ca:+--cacert "$ca"} -o "$2" "$1" || die "$1 cannot be fetched"
    elif command -v wget >/dev/null 2>&1; then
        wget -q --timeout=30 ${ca:+--ca-certificate="$ca"} -O "$2" "$1" || die "$1 cannot be fetched"
    else
        die "neither curl nor wget is on this server"
    fi
}

fetch "$server/downloads/$file.sha256" "$work/$file.sha256"
[ -n "$sha256" ] || sha256=$(cut -d ' ' -f 1 <"$work/$file.sha256")
program=/usr/local/bin/pulse-agent
changed=''
is() { [ -f "$2" ] && printf '%s  %s\n' "$1" "$2" | sha256sum -c >/dev/null 2>&1; }
if is "$sha256" "$program"; then
    say "$program is up to date"
else
    fetch "$server/downloads/$file" "$work/$file"
    is "$sha256" "$work/$file" || die "the checksum of $file is not $sha256: nothing was installed"
    chmod 755 "$work/$file"
    "$work/$file" --version >/dev/null || die "the program does not run on this server: nothing was installed"
    install -m 755 "$work/$file" "$program.new"
    mv -f "$program.new" "$program"
    say "installed $("$program" --version)"
    changed=1
fi

# Puts stdin there, unless the same lies there already.
put() { # MODE FILE
    cat >"$work/put"
    if cmp -s "$work/put" "$2"; then return 0; fi
    install -m "$1" "$work/put" "$2"
    say "wrote $2"
    changed=1
}
# One setting of the agent's file; what else stands there is its owner's.
setting() { # NAME VALUE
    [ -n "$2" ] || return 0
    { grep -v "^$1=" "$settings" || true; printf '%s=%s\n' "$1" "$2"; } | put 644 "$settings"
}

if ! id pulse-agent >/dev/null 2>&1; then
    if command -v useradd >/dev/null 2>&1; then
        useradd --system --user-group --no-create-home --home-dir /var/lib/pulse-agent --shell /usr/sbin/nologin pulse-agent
    else
        adduser -S -D -H -h /var/lib/pulse-agent -s /sbin/nologin pulse-agent
    fi
    say "made the user pulse-agent"
fi
mkdir -p /etc/pulse /etc/default
settings=/etc/default/pulse-agent
[ -e $settings ] || put 644 $settings <<'END'
# Settings of pulse-agent, read by its unit: NAME=value, no shell. `pulse-agent --help` lists all of them.
END
setting PULSE_SERVER "$server"
setting PULSE_AGENT_NAME "$name"
setting PULSE_AGENT_LABELS "$labels"
setting PULSE_CA "$ca"
setting PULSE_INSECURE_HTTP "${PULSE_INSECURE_HTTP:-}"
setting PULSE_AGENT_TOKEN_FILE /etc/pulse/agent-token
[ -e /etc/pulse/agent.yaml ] || put 644 /etc/pulse/agent.yaml <<'END'
@agent.yaml@
END
enrolled() { [ -e /var/lib/pulse-agent/welcomed ]; }
enrolled || [ -n "$token" ] || [ -s /etc/pulse/agent-token ] ||
    die "this server is not enrolled yet, so it needs a token: pulse agents token --expires 1h makes one"
if [ -e /etc/pulse/agent-token ] && { [ -z "$token" ] || enrolled; }; then :; else
    (umask 077 && : >/etc/pulse/agent-token.new)
    chown pulse-agent: /etc/pulse/agent-token.new
    printf '%s\n' "$token" >/etc/pulse/agent-token.new
    mv -f /etc/pulse/agent-token.new /etc/pulse/agent-token
    changed=1
fi
units=/etc/systemd/system
mkdir -p $units
put 644 $units/pulse-agent.service <<'END'
@pulse-agent.service@
END
put 644 $units/pulse-agent-shims.socket <<'END'
@pulse-agent-shims.socket@
END
put 644 $units/pulse-agent-shims@.service <<'END'
@pulse-agent-shims@.service@
END
put 644 $units/pulse-commands.slice <<'END'
@pulse-commands.slice@
END

if ! [ -d /run/systemd/system ]; then
    say "systemd does not run here: start $program as the user pulse-agent yourself, with the settings of $settings"
    exit 0
fi
if [ -n "$changed" ]; then
    systemctl daemon-reload
    systemctl --quiet enable pulse-agent-shims.socket pulse-agent.service
    systemctl restart pulse-agent.service
elif ! systemctl --quiet is-active pulse-agent.service; then
    systemctl start pulse-agent.service
fi
waited=0
until enrolled; do
    [ $waited -lt 60 ] || die "the agent does not come in: journalctl -u pulse-agent says why"
    sleep 0.5
    waited=$((waited + 1))
done
# It has been used, and is worth nothing any more.
: >/etc/pulse/agent-token
say "the agent is enrolled and runs"
