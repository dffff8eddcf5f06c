"""A mail server for the stage: every mail goes into a Maildir. It prints its port and ends with its standard input.

A recipient that begins with `bounce` is refused for good, one that begins with `defer` for now.
"""

import asyncio
import sys

from aiosmtpd.handlers import Mailbox
from aiosmtpd.smtp import SMTP


class Catcher(Mailbox):
    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("bounce"):
            return "550 5.1.1 no such user"
        if address.startswith("defer"):
            return "451 4.3.0 try again later"
        envelope.rcpt_tos.append(address)
        return "250 OK"


async def main(directory, port):
    loop = asyncio.get_running_loop()
    catcher = Catcher(directory)
    server = await loop.create_server(lambda: SMTP(catcher, enable_SMTPUTF8=True, loop=loop), "127.0.0.1", port)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)
    server.close()


asyncio.run(main(sys.argv[1], int(sys.argv[2])))
