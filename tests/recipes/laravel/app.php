<?php
// Laravel's own accounts: its schema builder, EloquentUserProvider, session guard, database sessions and remember cookie.
// The argument behind the verb is the directory that its packages were unpacked in.

use Illuminate\Auth\Authenticatable;
use Illuminate\Auth\EloquentUserProvider;
use Illuminate\Auth\SessionGuard;
use Illuminate\Contracts\Auth\Authenticatable as User;
use Illuminate\Contracts\Auth\Guard;
use Illuminate\Cookie\CookieJar;
use Illuminate\Database\Capsule\Manager;
use Illuminate\Database\Eloquent\Model;
use Illuminate\Hashing\BcryptHasher;
use Illuminate\Http\Request;
use Illuminate\Session\DatabaseSessionHandler;
use Illuminate\Session\Store;

[, $verb, $packages] = $argv;
$asked = json_decode(stream_get_contents(STDIN), true, 512, JSON_THROW_ON_ERROR);
set_include_path("$packages/usr/share/php");
// Debian keeps some of Illuminate\Support's classes in folders of their packages.
spl_autoload_register(function ($class) {
    $place = strtr($class, "\\", "/") . ".php";
    foreach (["Support", "Collections", "Conditionable", "Macroable"] as $package) {
        $file = stream_resolve_include_path(str_replace("Illuminate/Support/", "Illuminate/$package/", $place));
        if ($file) {
            return require $file;
        }
    }
});
require "Illuminate/Collections/helpers.php";
require "Illuminate/Support/helpers.php";

class Account extends Model implements User
{
    use Authenticatable;
    protected $table = "users";
    protected $guarded = [];
}

$where = $asked["database"];
$manager = new Manager();
$manager->addConnection(match ($where["engine"]) {
    "sqlite" => ["driver" => "sqlite", "database" => $where["path"]],
    default => [
        "driver" => ["postgres" => "pgsql", "mysql" => "mysql"][$where["engine"]],
        "host" => $where["host"],
        "port" => $where["port"],
        "database" => $where["name"],
        "username" => $where["user"],
        "password" => $where["password"],
        "charset" => $where["engine"] === "mysql" ? "utf8mb4" : "utf8",
    ],
});
$manager->setAsGlobal();
$manager->bootEloquent();
// `verify` refuses what PHP does not call bcrypt, as new apps do.
$hasher = new BcryptHasher(["verify" => true]);
$accounts = new EloquentUserProvider($hasher, Account::class);

$visit = function (?string $id = null, array $cookies = []) use ($manager, $accounts) {
    $app = $manager->getContainer();
    $session = new Store("session", new DatabaseSessionHandler($manager->getConnection(), "sessions", 120, $app), $id);
    $session->start();
    $guard = new SessionGuard("web", $accounts, $session, Request::create("/", "GET", [], $cookies));
    $guard->setCookieJar(new CookieJar());
    $app->instance(Guard::class, $guard);
    return [$guard, $session];
};

$verbs = [
    "install" => function () use ($manager) {
        $schema = $manager->schema();
        $schema->create("users", function ($table) {
            $table->id();
            $table->string("name");
            $table->string("email")->unique();
            $table->timestamp("email_verified_at")->nullable();
            $table->string("password");
            $table->rememberToken();
            $table->timestamps();
        });
        $schema->create("sessions", function ($table) {
            $table->string("id")->primary();
            $table->foreignId("user_id")->nullable()->index();
            $table->string("ip_address", 45)->nullable();
            $table->text("user_agent")->nullable();
            $table->longText("payload");
            $table->integer("last_activity")->index();
        });
        preg_match("/VERSION = '(.+)'/", file_get_contents("Illuminate/Foundation/Application.php", true), $found);
        return $found[1];
    },
    "add" => fn() => (string) Account::create([
        "name" => $asked["name"], "email" => $asked["address"], "password" => $hasher->make($asked["password"]),
    ])->getKey(),
    "enter" => function () use ($visit, $asked) {
        [$guard, $session] = $visit();
        if (!$guard->attempt(["email" => $asked["address"], "password" => $asked["password"]], true)) {
            return null;
        }
        $session->save();
        [$cookie] = $guard->getCookieJar()->getQueuedCookies();
        return json_encode([$session->getId(), $cookie->getName(), $cookie->getValue()]);
    },
    // By the session, or by the cookie that outlives it.
    "stay" => function () use ($visit, $asked) {
        [$id, $name, $value] = json_decode($asked["kept"]);
        return $visit($id)[0]->check() || $visit(null, [$name => $value])[0]->check();
    },
    "change" => fn() => $accounts->retrieveByCredentials(["email" => $asked["address"]])
        ->forceFill(["password" => $hasher->make($asked["password"])])->save(),
];
echo json_encode($verbs[$verb]());
