"""`python main.py` in this folder: the AI service alone, for development."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from ai_service.app import create_app
from service_kit.standalone import serve_alone

if __name__ == "__main__":
    serve_alone("ai", create_app, 8003)
