#!/bin/sh
# Starts Redis as the public image does: as a user of its own, open to other containers.

set -eu

# Options alone, or a configuration file, mean the server.
case ${1-} in
    -* | *.conf) set -- redis-server "$@" ;;
esac

if [ "${1-}" = redis-server ]; then
    case " $* " in
        *' --protected-mode '*) ;;
        # The public image is built with this default. A last option wins over a configuration file.
        *) set -- "$@" --protected-mode no ;;
    esac
    if [ "$(id -u)" = 0 ]; then
        chown redis:redis .
        # shellcheck disable=SC2016 # for the inner shell
        exec su -s /bin/sh redis -c 'exec "$0" "$@"' -- "$@"
    fi
fi

exec "$@"
