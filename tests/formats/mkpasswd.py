"""Hashes by mkpasswd, that is by libxcrypt: checked by making them again with their own salt."""
import json
import re
import subprocess
import sys


def mkpasswd(password, *options):
    # It reads one line, and takes it as it is.
    run = subprocess.run(["mkpasswd", "--stdin", *options], input=password.encode(), capture_output=True, check=True)
    return run.stdout.decode().strip()


def make(how, password):
    return mkpasswd(password, "--method=" + how)


def check(stored, password):
    found = re.fullmatch(r"\$6\$rounds=(\d+)\$([^$]+)\$.*", stored)
    method = "sha512crypt"
    if not found:
        found = re.fullmatch(r"\$2b\$(\d+)\$(.{22}).*", stored)
        method = "bcrypt"
    rounds, salt = found.groups()
    return mkpasswd(password, f"--method={method}", f"--rounds={rounds}", f"--salt={salt}") == stored


do = {"make": make, "check": check}[sys.argv[1]]
print(json.dumps([do(*asked) for asked in json.load(sys.stdin)]))
