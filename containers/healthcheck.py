"""Ends well if `aernet-trt serve` answers on its usual port of this machine."""

import os
import sys
from http.client import HTTPConnection

connection = HTTPConnection("127.0.0.1", 8500, timeout=4)
token = os.environ.get("AERNET_TOKEN")
try:
    connection.request("GET", "/healthz", headers={"Authorization": f"Bearer {token}"} if token else {})
    status = connection.getresponse().status
except OSError as error:
    sys.exit(f"no answer: {error}")
# 401: it listens for other machines too, with a token that it made itself.
sys.exit(None if status in {200, 401} else f"status {status}")
