"""`python -m service_kit.healthcheck 8001`: exit status 0 when the service is ready.

For containers, whose image holds no curl. Asks this machine only.
"""

import sys
import urllib.error
import urllib.request


def is_ready(port: int) -> bool:
    """Ask `/ready` of the service on the port of the loopback."""
    try:
        with urllib.request.urlopen(
            f"http://127.0.0.1:{port}/ready", timeout=3
        ) as answer:
            return bool(answer.status == 200)
    except (OSError, urllib.error.URLError):
        return False


if __name__ == "__main__":
    sys.exit(0 if is_ready(int(sys.argv[1])) else 1)
