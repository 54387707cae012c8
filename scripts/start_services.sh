#!/usr/bin/env bash
# Start everything: in containers when a Docker engine answers, else on this machine.
#   ./scripts/start_services.sh            choose by what is here
#   ./scripts/start_services.sh --local    without Docker
#   ./scripts/start_services.sh --docker   with Docker
set -euo pipefail
cd "$(dirname "$0")/.."

has_engine() {
    command -v docker >/dev/null && docker info >/dev/null 2>&1 &&
        docker compose version >/dev/null 2>&1
}

case "${1:-}" in
    --local) exec make run ;;
    --docker) exec make up ;;
    "") ;;
    *) sed -n '2,5s/^# //p' "$0"; exit 2 ;;
esac

if has_engine; then
    make up
    echo "dashboard  http://localhost:${DASHBOARD_PORT:-8080}"
    echo "API        http://localhost:${GATEWAY_PORT:-8085}/api"
else
    echo "No Docker engine answers: starting without it (make run)."
    exec make run
fi
