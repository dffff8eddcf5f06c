"""Encrypts with SM2 in the layout that the argument names; standard input as for the other scripts."""

import base64
import json
import sys

from gmssl.sm2 import CryptSM2

layout = sys.argv[1]
document = json.loads(sys.stdin.readline())
public = document["sm2"]["publicKey"].removeprefix("04")


def sealed(text, mode):
    """There are random numbers that this library draws and cannot multiply with; then it draws again."""
    for _ in range(100):
        try:
            return CryptSM2(private_key="", public_key=public, mode=mode).encrypt(text).hex()
        except TypeError:
            continue
    raise SystemExit("gmssl encrypts nothing")


def encrypt(password):
    text = password.encode()
    if layout == "ios":
        return "04" + sealed(base64.b64encode(text), 0)
    bare = sealed(text, 1)
    return {"bare": bare, "upper": bare.upper(), "marked": "sm2:" + bare, "tagged": "04" + bare}[layout]


for line in sys.stdin:
    print(encrypt(json.loads(line)))
