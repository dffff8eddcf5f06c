<?php
// WordPress' own accounts: its installer, wp_insert_user, the log-in and the new password as its pages take them from forms,
// and the cookie of a log-in. The argument behind the verb is the directory that its packages were unpacked in.

[, $verb, $packages] = $argv;
$asked = json_decode(stream_get_contents(STDIN), true, 512, JSON_THROW_ON_ERROR);
$where = $asked["database"];
foreach (["DB_NAME" => "name", "DB_USER" => "user", "DB_PASSWORD" => "password"] as $name => $key) {
    define($name, $where[$key]);
}
define("DB_HOST", "$where[host]:$where[port]");
define("DB_CHARSET", "utf8mb4");
define("DB_COLLATE", "");
foreach (["AUTH", "SECURE_AUTH", "LOGGED_IN", "NONCE"] as $name) {
    define("{$name}_KEY", "of this test alone");
    define("{$name}_SALT", "of this test alone");
}
define("ABSPATH", "$packages/usr/share/wordpress/");
define("DISABLE_WP_CRON", true);
define("WP_HTTP_BLOCK_EXTERNAL", true);
define("WP_INSTALLING", $verb === "install");
define("WP_SITEURL", "http://app.example.org");
$table_prefix = "wp_";
$_SERVER += ["HTTP_HOST" => "app.example.org", "SERVER_PROTOCOL" => "HTTP/1.1", "REQUEST_METHOD" => "POST", "REMOTE_ADDR" => "127.0.0.1"];
// As a form brings it; WordPress puts its slashes into it while it starts.
$_POST = ["log" => $asked["name"] ?? "", "pwd" => $asked["password"] ?? "", "pass1" => $asked["password"] ?? ""];
function wp_mail()
{
    return true;
}

require ABSPATH . "wp-settings.php";

$user = fn() => get_user_by("login", $asked["name"]);
$verbs = [
    "install" => function () {
        require ABSPATH . "wp-admin/includes/upgrade.php";
        wp_install("Rekey", "root", "root@example.org", false, "", wp_generate_password());
        return get_bloginfo("version");
    },
    "add" => fn() => (string) wp_insert_user([
        "user_login" => $asked["name"], "user_email" => $asked["address"], "user_pass" => $_POST["pass1"],
    ]),
    "enter" => function () {
        $kept = null;
        add_action("set_logged_in_cookie", function ($cookie) use (&$kept) { $kept = $cookie; });
        add_filter("send_auth_cookies", "__return_false");
        return is_wp_error(wp_signon()) ? null : $kept;
    },
    // By the cookie, or by what is left of a session.
    "stay" => fn() => wp_validate_auth_cookie($asked["kept"], "logged_in")
        || WP_Session_Tokens::get_instance($user()->ID)->get_all() !== [],
    "change" => function () use ($user) {
        reset_password($user(), trim($_POST["pass1"]));
        return true;
    },
];
echo json_encode($verbs[$verb]());
