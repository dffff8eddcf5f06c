<?php
// Hashes by WordPress' wp_hash_password and wp_check_password, of what its forms make of a password. The argument behind the
// verb is target/openldap; WordPress lies beside it, in target/apps.

define("ABSPATH", dirname($argv[2]) . "/apps/usr/share/wordpress/");
define("WPINC", "wp-includes");
define("WP_DEBUG", false);
foreach (["compat", "load", "plugin", "formatting", "functions", "pluggable"] as $part) {
    require ABSPATH . WPINC . "/$part.php";
}

$form = fn($password) => trim(wp_slash($password));
$make = fn($how, $password) => wp_hash_password($form($password));
$check = fn($stored, $password) => wp_check_password($form($password), $stored);
$do = ["make" => $make, "check" => $check][$argv[1]];
$asked = json_decode(stream_get_contents(STDIN), true, 512, JSON_THROW_ON_ERROR);
echo json_encode(array_map(fn($one) => $do(...$one), $asked));
