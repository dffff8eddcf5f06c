"""Encrypts with SM2 in the layout that the argument names; standard input as for the other scripts."""

import base64
import json
import sys

from gmssl.sm2 import CryptSM2

layout = sys.argv[1]
document = json.loads(sys.stdin.readline())
public = document["sm2"]["publicKey"].removeprefix("04")


def encrypt(password):
    text = password.encode()
    if layout == "ios":
        draft = CryptSM2(private_key="", public_key=public, mode=0)
        return "04" + draft.encrypt(base64.b64encode(text)).hex()
    bare = CryptSM2(private_key="", public_key=public, mode=1).encrypt(text).hex()
    return {"bare": bare, "upper": bare.upper(), "marked": "sm2:" + bare, "tagged": "04" + bare}[layout]


for line in sys.stdin:
    print(encrypt(json.loads(line)))
