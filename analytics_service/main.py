"""Start this service alone, for development: `python main.py`."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from analytics_service.app import create_app
from service_kit.standalone import serve_alone

if __name__ == "__main__":
    serve_alone("analytics", create_app, 8002)
