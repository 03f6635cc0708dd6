#!/bin/sh
# Makes an empty cluster in $PGDATA, owned by the user postgres.

set -eu

if [ "$(id -u)" = 0 ]; then
    mkdir -p "$PGDATA" /var/run/postgresql
    chown postgres:postgres "$PGDATA" /var/run/postgresql
    chmod 700 "$PGDATA"
    exec su -s /bin/sh postgres "$0"
fi

initdb --pgdata "$PGDATA" --username postgres --encoding UTF8 --locale C.UTF-8 --auth trust --no-sync --no-instructions
echo "listen_addresses = '*'" >>"$PGDATA/postgresql.conf"
