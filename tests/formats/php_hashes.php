<?php
// Hashes by PHP's password_hash and password_verify, by the names of its constants.

$make = fn($how, $password) => password_hash($password, constant("PASSWORD_$how"));
$check = fn($stored, $password) => password_verify($password, $stored);
$do = ["make" => $make, "check" => $check][$argv[1]];
$asked = json_decode(stream_get_contents(STDIN), true, 512, JSON_THROW_ON_ERROR);
echo json_encode(array_map(fn($one) => $do(...$one), $asked));
