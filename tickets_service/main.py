"""Start this service alone, for development: `python main.py`."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from service_kit.standalone import serve_alone
from tickets_service.app import create_app

if __name__ == "__main__":
    serve_alone("tickets", create_app, 8001)
