#!/bin/sh
# Starts PostgreSQL as the public image does: POSTGRES_PASSWORD, POSTGRES_USER, POSTGRES_DB and
# POSTGRES_HOST_AUTH_METHOD are applied at the first start.

set -eu

case ${1-} in
    -*) set -- postgres "$@" ;;
esac

if [ "${1-}" != postgres ]; then
    exec "$@"
fi

if [ ! -s "$PGDATA/PG_VERSION" ]; then
    create-cluster.sh
fi

if [ "$(id -u)" = 0 ]; then
    # shellcheck disable=SC2016 # for the inner shell
    exec su -s /bin/sh postgres -c 'exec "$0" "$@"' -- docker-entrypoint.sh "$@"
fi

# quoted QUOTE TEXT: the text as an SQL literal or identifier.
quoted() {
    printf '%s%s%s' "$1" "$(printf '%s' "$2" | sed "s/$1/$1$1/g")" "$1"
}

configure() {
    method=${POSTGRES_HOST_AUTH_METHOD:-scram-sha-256}
    if [ -z "${POSTGRES_PASSWORD-}" ] && [ "$method" != trust ]; then
        echo 'Error: the superuser password is not specified: set POSTGRES_PASSWORD,' \
            'or POSTGRES_HOST_AUTH_METHOD=trust to allow all connections without one.' >&2
        exit 1
    fi
    user=${POSTGRES_USER:-postgres}
    database=${POSTGRES_DB:-$user}
    role=$(quoted '"' "$user")
    # A server that nobody can connect to yet, so that a client never meets it half configured.
    {
        if [ "$user" != postgres ]; then
            printf 'create role %s superuser login;\n\n' "$role"
        fi
        if [ -n "${POSTGRES_PASSWORD-}" ]; then
            printf 'alter role %s password %s;\n\n' "$role" "$(quoted "'" "$POSTGRES_PASSWORD")"
        fi
        if [ "$database" != postgres ]; then
            printf 'create database %s owner %s;\n\n' "$(quoted '"' "$database")" "$role"
        fi
    } | postgres --single -F -j -D "$PGDATA" -c log_statement=none -c exit_on_error=on postgres >/dev/null
    echo "host all all all $method" >>"$PGDATA/pg_hba.conf"
    touch "$PGDATA/configured"
}

if [ ! -e "$PGDATA/configured" ]; then
    configure
fi

exec "$@"
