"""An HTTP/3 client: h3.py PORT AUTHORITY_FILE reads a JSON array of [method, path, body] from its standard input, asks
them one after the other on one connection, and writes a JSON array of [status, body]."""

import asyncio
import json
import sys

from aioquic.asyncio.client import connect
from aioquic.asyncio.protocol import QuicConnectionProtocol
from aioquic.h3.connection import H3_ALPN, H3Connection
from aioquic.h3.events import DataReceived, HeadersReceived
from aioquic.quic.configuration import QuicConfiguration


class Client(QuicConnectionProtocol):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.http = H3Connection(self._quic)
        self.open = {}

    async def ask(self, method, path, body):
        stream = self._quic.get_next_available_stream_id()
        done = asyncio.get_running_loop().create_future()
        self.open[stream] = (done, {"status": 0, "body": b""})
        head = [(":method", method), (":scheme", "https"), (":authority", "gateway.example"), (":path", path)]
        if body:
            head += [("content-type", "application/json"), ("content-length", str(len(body.encode())))]
        head = [(name.encode(), value.encode()) for name, value in head]
        self.http.send_headers(stream, head, end_stream=not body)
        if body:
            self.http.send_data(stream, body.encode(), end_stream=True)
        self.transmit()
        return await asyncio.wait_for(done, 20)

    def quic_event_received(self, event):
        for seen in self.http.handle_event(event):
            if not isinstance(seen, (HeadersReceived, DataReceived)):
                continue
            done, answer = self.open[seen.stream_id]
            if isinstance(seen, HeadersReceived):
                answer["status"] = int(dict(seen.headers)[b":status"])
            else:
                answer["body"] += seen.data
            if seen.stream_ended and not done.done():
                done.set_result([answer["status"], answer["body"].decode()])


async def main():
    configuration = QuicConfiguration(is_client=True, alpn_protocols=H3_ALPN, server_name="gateway.example")
    configuration.load_verify_locations(sys.argv[2])
    port = int(sys.argv[1])
    async with connect("127.0.0.1", port, configuration=configuration, create_protocol=Client) as client:
        answers = [await client.ask(*request) for request in json.load(sys.stdin)]
    json.dump(answers, sys.stdout)


asyncio.run(main())
