#!/usr/bin/env bash
# Makes the Docker images that the experiments use out of Debian packages, for machines that reach no registry.
# images/README.md says what they stand in for.

set -euo pipefail

readonly POSTGRES_MAJOR=15
readonly REDIS_MAJOR=7
readonly POSTGRES_LIB=/usr/lib/postgresql/$POSTGRES_MAJOR
readonly POSTGRES_SHARE=/usr/share/postgresql/$POSTGRES_MAJOR
readonly BUSYBOX=/bin/busybox

prefix=${CHAOS_IMAGE_PREFIX-}
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
readonly prefix here

usage() {
    cat <<END
usage: images/make.sh [--force] [redis] [postgres] [base]
       images/make.sh [--force] --program FILE IMAGE

Makes ${prefix}redis:$REDIS_MAJOR, ${prefix}postgres:$POSTGRES_MAJOR and ${prefix}chaos-base:latest, or those that are named.
An image that exists is left as it is. With --program, makes an image of a program that was built here.

  --force              make them again
  CHAOS_IMAGE_PREFIX   put before each name, as in CHAOS_IMAGE_PREFIX=localhost/
END
}

fail() {
    printf 'images/make.sh: %s\n' "$1" >&2
    exit 1
}

work=
container=
bare=
policy=

clean_up() {
    if [[ -n $container ]]; then docker rm -f "$container" >/dev/null 2>&1 || true; fi
    if [[ -n $bare ]]; then docker rmi "$bare" >/dev/null 2>&1 || true; fi
    if [[ -n $work ]]; then rm -rf "$work"; fi
    if [[ -n $policy ]]; then as_root rm -f "$policy"; fi
}
trap clean_up EXIT

as_root() {
    if [[ $EUID -eq 0 ]]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        fail "packages must be installed, which takes root or sudo: $*"
    fi
}

check_docker() {
    command -v docker >/dev/null || fail "docker is not installed: the images are made with \`docker import\`"
    local answer
    if ! answer=$(docker version --format '{{.Server.Version}}' 2>&1); then
        case $answer in
            *'permission denied'*)
                fail "no permission to use Docker: join the group with \`sudo usermod -aG docker $(id -un)\` and log in again" ;;
            *)
                fail "the Docker engine does not answer: $answer" ;;
        esac
    fi
}

# install FILE PACKAGE: makes sure that the file is there, from the package if need be.
install() {
    local file=$1 package=$2
    [[ -e $file ]] && return
    command -v apt-get >/dev/null \
        || fail "$file is missing and this is no Debian system: with a registry at hand, \`docker pull\` the public images instead"
    echo "installing $package"
    # Only the files are wanted: no server shall start on this machine.
    if [[ ! -e /usr/sbin/policy-rc.d ]]; then
        policy=/usr/sbin/policy-rc.d
        printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy" >/dev/null
        as_root chmod +x "$policy"
    fi
    as_root apt-get update -qq
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -qq --no-install-recommends "$package" >/dev/null \
        || fail "cannot install $package: these images are made of the packages of Debian 12"
    [[ -e $file ]] || fail "$package is installed, but brought no $file: these images are made of the packages of Debian 12"
}

# add ROOT FILE...: copies programs and libraries, and all libraries they are linked to, to the same paths below the root.
add() {
    local root=$1
    shift
    local file
    for file in "$@"; do
        printf '%s\n' "$file"
        # A static program has no libraries, for which ldd fails.
        { ldd "$file" 2>/dev/null || true; } | grep -o '/[^ ]*' | grep -v ':$' || true
    done | sort -u | xargs cp --parents --dereference --target-directory "$root"
}

# new_root [USER]: an empty root with a shell, the usual directories, and a user with the number that servers have in
# the public images. Its path is in $root.
new_root() {
    root=$(mktemp -d -p "$work")
    chmod 755 "$root"
    mkdir -p "$root"/{bin,dev,etc,proc,sys,tmp,root,usr/bin,usr/local/bin,var/run}
    chmod 1777 "$root/tmp"
    cp --dereference "$BUSYBOX" "$root/bin/busybox"
    local applet
    for applet in $("$BUSYBOX" --list); do
        [[ $applet == busybox ]] || ln -s busybox "$root/bin/$applet"
    done
    local user=${1-}
    echo 'root:x:0:0:root:/root:/bin/sh' >"$root/etc/passwd"
    echo 'root:x:0:' >"$root/etc/group"
    if [[ -n $user ]]; then
        echo "$user:x:999:999::/tmp:/bin/sh" >>"$root/etc/passwd"
        echo "$user:x:999:" >>"$root/etc/group"
    fi
}

# import ROOT IMAGE INSTRUCTION...
import() {
    local root=$1 image=$2
    shift 2
    local changes=(--change 'LABEL chaos.made-by=images/make.sh')
    local instruction
    for instruction in "$@"; do changes+=(--change "$instruction"); done
    tar -C "$root" --owner=0 --group=0 --numeric-owner -c . | docker import "${changes[@]}" - "$image" >/dev/null
}

make_redis() {
    install /usr/bin/redis-server redis-server
    local version
    version=$(redis-server --version)
    [[ $version == *" v=$REDIS_MAJOR."* ]] || fail "Redis $REDIS_MAJOR is needed, this is: $version"
    new_root redis
    add "$root" /usr/bin/redis-server /usr/bin/redis-cli
    cp "$here/redis/docker-entrypoint.sh" "$root/usr/local/bin/"
    import "$root" "$1" 'WORKDIR /data' 'EXPOSE 6379' 'ENTRYPOINT ["docker-entrypoint.sh"]' 'CMD ["redis-server"]'
}

make_postgres() {
    install "$POSTGRES_LIB/bin/postgres" "postgresql-$POSTGRES_MAJOR"
    new_root postgres
    local programs=(postgres initdb pg_ctl psql pg_isready)
    local libraries
    # Without LLVM (100 MB) queries are not compiled, which PostgreSQL takes as it is.
    mapfile -t libraries < <(find "$POSTGRES_LIB/lib" -maxdepth 1 -name '*.so' ! -name 'llvmjit*')
    add "$root" "${programs[@]/#/$POSTGRES_LIB/bin/}" "${libraries[@]}"
    mkdir -p "$root$POSTGRES_SHARE" "$root/usr/share/zoneinfo" "$root/usr/lib/locale"
    tar -C "$POSTGRES_SHARE" --exclude ./man -c . | tar -C "$root$POSTGRES_SHARE" -x
    cp --dereference /usr/share/zoneinfo/UTC "$root/usr/share/zoneinfo/"
    cp -r /usr/lib/locale/C.utf8 "$root/usr/lib/locale/"
    cp "$here"/postgres/*.sh "$root/usr/local/bin/"
    bare=$1-without-cluster
    import "$root" "$bare" \
        "ENV PATH=/usr/local/bin:/usr/bin:/bin:$POSTGRES_LIB/bin" \
        'ENV PGDATA=/var/lib/postgresql/data' 'ENV TZ=UTC' 'EXPOSE 5432' \
        'ENTRYPOINT ["docker-entrypoint.sh"]' 'CMD ["postgres"]'
    # The cluster is made here and not at each start, which would then take a second longer. With this signal
    # PostgreSQL ends at once, and does not wait for its clients; `docker import` cannot set it, a container can.
    container=$(docker create --stop-signal SIGINT --entrypoint create-cluster.sh "$bare")
    docker start --attach "$container" >"$work/initdb.log" 2>&1 \
        || fail "initdb failed: $(tail -n 5 "$work/initdb.log")"
    # The command line of the container is not to become the image's.
    docker commit --change 'ENTRYPOINT ["docker-entrypoint.sh"]' --change 'CMD ["postgres"]' \
        "$container" "$1" >/dev/null
    docker rm "$container" >/dev/null
    container=
    docker rmi "$bare" >/dev/null
    bare=
}

make_base() {
    install /etc/ssl/certs/ca-certificates.crt ca-certificates
    new_root
    # What a Rust program is linked to. Taken from here, so that a program built here finds the version it needs.
    local libraries
    mapfile -t libraries < <(ldconfig -p | awk '/=> / && /libc\.so\.6|libm\.so\.6|libgcc_s\.so\.1|libdl\.so\.2|libpthread\.so\.0|librt\.so\.1/ { print $NF }')
    add "$root" "${libraries[@]}"
    cp --parents --dereference /etc/ssl/certs/ca-certificates.crt "$root"
    import "$root" "$1" 'CMD ["sh"]'
}

# An image that runs $program, with the libraries that it is linked to.
make_program() {
    new_root
    local libraries
    mapfile -t libraries < <({ ldd "$program" 2>/dev/null || true; } | grep -o '/[^ ]*' | grep -v ':$' || true)
    if [[ ${#libraries[@]} -gt 0 ]]; then add "$root" "${libraries[@]}"; fi
    cp "$program" "$root/usr/local/bin/"
    import "$root" "$1" "ENTRYPOINT [\"$(basename "$program")\"]"
}

# make NAME IMAGE
make() {
    local name=$1 image=$2
    if [[ $force == no ]] && docker image inspect "$image" >/dev/null 2>&1; then
        echo "$image exists"
        return
    fi
    install "$BUSYBOX" busybox-static
    local old
    old=$(docker image inspect --format '{{.Id}}' "$image" 2>/dev/null || true)
    "make_$name" "$image"
    # Only where nothing uses it any more: not a container, and no other name.
    if [[ -n $old && $(docker image inspect --format '{{len .RepoTags}}' "$old" 2>/dev/null) == 0 ]]; then
        docker rmi "$old" >/dev/null 2>&1 || true
    fi
    echo "$image made, $(docker image inspect --format '{{.Size}}' "$image" | awk '{ printf "%.0f MB", $1 / 1e6 }')"
}

force=no
names=()
program=
while [[ $# -gt 0 ]]; do
    argument=$1
    shift
    case $argument in
        --force) force=yes ;;
        --program)
            [[ $# -ge 2 ]] || fail "--program needs a file and the name of an image"
            program=$1
            program_image=$2
            shift 2
            [[ -x $program ]] || fail "$program is no program"
            ;;
        redis | postgres | base) names+=("$argument") ;;
        -h | --help)
            usage
            exit
            ;;
        *)
            usage >&2
            fail "unknown argument: $argument"
            ;;
    esac
done
if [[ ${#names[@]} -eq 0 && -z $program ]]; then names=(redis postgres base); fi

check_docker
work=$(mktemp -d)
for name in "${names[@]}"; do
    case $name in
        redis) make redis "${prefix}redis:$REDIS_MAJOR" ;;
        postgres) make postgres "${prefix}postgres:$POSTGRES_MAJOR" ;;
        base) make base "${prefix}chaos-base:latest" ;;
    esac
done
if [[ -n $program ]]; then make program "$program_image"; fi
