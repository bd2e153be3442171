#!/bin/sh
# What deploy/compose.yaml puts into its Gitea: the user `pulse`, the repository `ops` with the examples, and its webhook. Run again, it changes
# nothing that is there.
set -eu
gitea=${GITEA:-http://gitea:3000}
hook=${PULSE:-http://controller:8080}/webhooks/gitea
workflows=${WORKFLOWS:-/workflows}
case $PULSE_TRIAL_SECRET in
*[!A-Za-z0-9]*)
    echo 'repository: PULSE_TRIAL_SECRET stands in URLs and JSON: take letters and digits only, such as openssl rand -hex 24' >&2
    exit 1
    ;;
esac

api() { # METHOD PATH [JSON]; prints the status
    # The secret is no argument, and shows in no process list.
    printf 'user = "pulse:%s"\n' "$PULSE_TRIAL_SECRET" | curl -sS -K - -o /tmp/answer -w '%{http_code}' -X "$1" -H 'Content-Type: application/json' ${3:+-d "$3"} "$gitea/api/v1$2"
}
expect() { # WHAT STATUS ALLOWED...
    what=$1 status=$2
    shift 2
    for allowed in "$@"; do [ "$status" != "$allowed" ] || return 0; done
    echo "repository: $what was answered with $status:" >&2
    cat /tmp/answer >&2
    exit 1
}

if [ "$(api GET /user)" != 200 ]; then
    gitea admin user create --admin --username pulse --password "$PULSE_TRIAL_SECRET" --email pulse@example.org --must-change-password=false
fi
expect 'the repository' "$(api POST /user/repos '{"name": "ops", "private": true, "auto_init": true, "default_branch": "main"}')" 201 409
find "$workflows" -type f | sort >/tmp/files
while IFS= read -r file; do
    content=$(base64 <"$file" | tr -d '\n')
    expect "$file" "$(api POST "/repos/pulse/ops/contents/${file#"$workflows"/}" "{\"message\": \"${file##*/}\", \"content\": \"$content\"}")" 201 422
done </tmp/files
if [ "$(api GET /repos/pulse/ops/hooks)" = 200 ] && ! grep -q /webhooks/gitea /tmp/answer; then
    expect 'the webhook' "$(api POST /repos/pulse/ops/hooks "{\"type\": \"gitea\", \"active\": true, \"events\": [\"push\"], \"config\": {\"url\": \"$hook\", \"content_type\": \"json\", \"secret\": \"$PULSE_TRIAL_SECRET\"}}")" 201
fi
echo 'repository: pulse/ops is there'
