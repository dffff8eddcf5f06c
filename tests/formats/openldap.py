"""Hashes by OpenLDAP: made by slappasswd, checked by binding to a slapd that has them as its entries' userPassword."""
import base64
import json
import os
import pathlib
import socket
import subprocess
import sys
import tempfile
import time

HOME = pathlib.Path(sys.argv[2])
MODULES = HOME / "usr/lib/ldap"
OPTIONS = {"SSHA": [], "SSHA512": ["pw-sha2"], "ARGON2": ["argon2"], "CRYPT": []}
LIBRARIES = [str(folder) for folder in HOME.glob("usr/lib/*-linux-gnu")]
ENVIRONMENT = os.environ | {"LD_LIBRARY_PATH": ":".join(LIBRARIES)}
CONFIGURATION = """
include {home}/etc/ldap/schema/core.schema
include {home}/etc/ldap/schema/cosine.schema
modulepath {home}/usr/lib/ldap
moduleload back_mdb
moduleload pw-sha2
moduleload argon2
database mdb
suffix dc=test
directory {room}/db
"""


def make(how, password, room):
    file = room / "password"
    file.touch(mode=0o600)
    file.write_bytes(password.encode())
    command = [HOME / "usr/sbin/slappasswd", "-T", file, "-h", "{%s}" % how, "-c", "$6$rounds=100000$%.16s"]
    for module in OPTIONS[how]:
        command += ["-o", f"module-path={MODULES}", "-o", f"module-load={module}"]
    run = subprocess.run(command, env=ENVIRONMENT, capture_output=True, check=True)
    return run.stdout.decode().strip()


def start(hashes, room):
    """A slapd with an entry for each hash, on a socket in the room."""
    (room / "db").mkdir()
    (room / "slapd.conf").write_text(CONFIGURATION.format(home=HOME, room=room))
    entries = ["dn: dc=test\nobjectClass: dcObject\nobjectClass: organization\ndc: test\no: test\n"]
    for at, stored in enumerate(hashes):
        secret = base64.b64encode(stored.encode()).decode()
        entries.append(
            f"dn: cn={at},dc=test\nobjectClass: organizationalRole\nobjectClass: simpleSecurityObject\n"
            f"cn: {at}\nuserPassword:: {secret}\n"
        )
    slapd = [HOME / "usr/sbin/slapd", "-f", room / "slapd.conf"]
    # One binary: its name says what it does.
    subprocess.run(
        ["slapadd", "-f", room / "slapd.conf"], executable=slapd[0], env=ENVIRONMENT,
        input="\n".join(entries).encode(), capture_output=True, check=True,
    )
    url = "ldapi://" + str(room / "socket").replace("/", "%2F")
    return subprocess.Popen(slapd + ["-d", "0", "-h", url], env=ENVIRONMENT, stderr=subprocess.DEVNULL)


def ber(tag, content):
    length = len(content)
    size = bytes([length]) if length < 128 else bytes([0x82]) + length.to_bytes(2, "big")
    return bytes([tag]) + size + content


def bind(at, password, room):
    """RFC 4511, 4.2: a simple bind; result code 0 is a right password, 49 a wrong one."""
    request = ber(0x02, b"\3") + ber(0x04, b"cn=%d,dc=test" % at) + ber(0x80, password.encode())
    with socket.socket(socket.AF_UNIX) as door:
        deadline = time.monotonic() + 60
        while door.connect_ex(str(room / "socket")):
            if time.monotonic() > deadline:
                sys.exit("slapd does not answer")
            time.sleep(0.01)
        door.sendall(ber(0x30, ber(0x02, b"\1") + ber(0x60, request)))
        answer = door.recv(1024)
    code = answer[answer.index(b"\x0a\x01") + 2]
    if code not in (0, 49):
        sys.exit(f"slapd answers {code}")
    return code == 0


def main():
    asked = json.load(sys.stdin)
    with tempfile.TemporaryDirectory() as room:
        room = pathlib.Path(room)
        if sys.argv[1] == "make":
            return [make(how, password, room) for how, password in asked]
        slapd = start([stored for stored, _ in asked], room)
        try:
            return [bind(at, password, room) for at, (_, password) in enumerate(asked)]
        finally:
            slapd.terminate()
            slapd.wait()


print(json.dumps(main()))
