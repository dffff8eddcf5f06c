"""Encrypts as an app in Python would: the document of public keys on the first line, a password as JSON on each other one."""

import base64
import json
import sys

from Crypto.Cipher import PKCS1_v1_5
from Crypto.PublicKey import RSA

document = json.loads(sys.stdin.readline())
cipher = PKCS1_v1_5.new(RSA.import_key(document["rsa"]["publicKey"]))
for line in sys.stdin:
    print(base64.b64encode(cipher.encrypt(json.loads(line).encode())).decode())
