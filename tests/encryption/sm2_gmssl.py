"""Encrypts with SM2 in the layout that the argument names; standard input as for the other scripts."""

import base64
import json
import sys

from gmssl.sm2 import CryptSM2

layout = sys.argv[1]
document = json.loads(sys.stdin.readline())
public = document["sm2"]["publicKey"].removeprefix("04")


def sealed(text, mode):
    cipher = CryptSM2(private_key="", public_key=public, mode=mode)
    # It takes leading fours and noughts for a tag, also where a key begins with them.
    cipher.public_key = public
    return cipher.encrypt(text).hex()


def encrypt(password):
    text = password.encode()
    if layout == "ios":
        return "04" + sealed(base64.b64encode(text), 0)
    bare = sealed(text, 1)
    return {"bare": bare, "upper": bare.upper(), "marked": "sm2:" + bare, "tagged": "04" + bare}[layout]


for line in sys.stdin:
    print(encrypt(json.loads(line)))
