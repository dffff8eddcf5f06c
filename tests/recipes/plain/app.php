<?php
// A table as an app without a framework has it, and PHP's password_hash and password_verify.

[$verb, $asked] = [$argv[1], json_decode(stream_get_contents(STDIN), true, 512, JSON_THROW_ON_ERROR)];
$where = $asked["database"];
$dsn = match ($where["engine"]) {
    "sqlite" => "sqlite:$where[path]",
    "postgres" => "pgsql:host=$where[host];port=$where[port];dbname=$where[name]",
    "mysql" => "mysql:host=$where[host];port=$where[port];dbname=$where[name];charset=utf8mb4",
};
$database = new PDO($dsn, $where["user"] ?? null, $where["password"] ?? null, [PDO::ATTR_ERRMODE => PDO::ERRMODE_EXCEPTION]);

$run = function (string $statement, array $values = []) use ($database) {
    $prepared = $database->prepare($statement);
    $prepared->execute($values);
    return $prepared;
};
$id = match ($where["engine"]) {
    "sqlite" => "INTEGER PRIMARY KEY",
    "postgres" => "BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY",
    "mysql" => "BIGINT AUTO_INCREMENT PRIMARY KEY",
};
$user = fn() => $run("SELECT * FROM users WHERE email = ?", [$asked["address"]])->fetch(PDO::FETCH_ASSOC);

$verbs = [
    "install" => function () use ($run, $id) {
        $run("CREATE TABLE users (id $id, email VARCHAR(190) NOT NULL UNIQUE, user_name VARCHAR(190), status VARCHAR(20) NOT NULL DEFAULT 'active', password_hash VARCHAR(255) NOT NULL)");
        $run("CREATE TABLE sessions (token VARCHAR(64) PRIMARY KEY, user_id BIGINT NOT NULL)");
        return PHP_VERSION;
    },
    "add" => function () use ($run, $asked, $user) {
        $hash = password_hash($asked["password"], PASSWORD_DEFAULT);
        $run("INSERT INTO users (email, user_name, password_hash) VALUES (?, ?, ?)", [$asked["address"], $asked["name"], $hash]);
        return (string) $user()["id"];
    },
    "enter" => function () use ($run, $asked, $user) {
        $found = $user();
        if (!$found || $found["status"] !== "active" || !password_verify($asked["password"], $found["password_hash"])) {
            return null;
        }
        $token = bin2hex(random_bytes(32));
        $run("INSERT INTO sessions (token, user_id) VALUES (?, ?)", [$token, $found["id"]]);
        return $token;
    },
    "stay" => fn() => (bool) $run("SELECT 1 FROM sessions WHERE token = ?", [$asked["kept"]])->fetchColumn(),
    "change" => function () use ($run, $asked) {
        $hash = password_hash($asked["password"], PASSWORD_DEFAULT);
        return $run("UPDATE users SET password_hash = ? WHERE email = ?", [$hash, $asked["address"]])->rowCount() === 1;
    },
    "disable" => fn() => $run("UPDATE users SET status = 'disabled' WHERE email = ?", [$asked["address"]])->rowCount() === 1,
];
echo json_encode($verbs[$verb]());
