"""uWebSockets through socketify, for scripts/bench-push-peers: `socketify_server.py PORT PING_SECONDS`.

Python runs once per connection and once per published message; the fan-out runs in C++.
"""

import sys

from socketify import App, CompressOptions, OpCode

port, ping = int(sys.argv[1]), int(sys.argv[2])
app = App()
app.ws("/ws", {
    "compression": CompressOptions.DISABLED, "max_payload_length": 64 * 1024, "max_backpressure": 1024 * 1024,
    # It pings by itself, 16 s before a connection would count as idle.
    "idle_timeout": ping + 16 if ping else 960,
    "send_pings_automatically": True,
    "open": lambda ws: ws.subscribe("room"),
    "message": lambda ws, message, opcode: None,
})


async def publish(response, request):
    data = await response.get_data()
    app.publish("room", bytes(data.getvalue()) if hasattr(data, "getvalue") else data, OpCode.TEXT)
    response.end("ok")


app.post("/pub", publish)
app.listen({"port": port, "host": "127.0.0.1"}, lambda configuration: None)
app.run()
