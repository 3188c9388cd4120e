#!/bin/sh
# Writes new random secrets for compose.yaml into the folder secrets beside it. Existing files stay: without
# encryption-keys the data cannot be read.
set -eu
cd "$(dirname "$0")"
umask 077
mkdir -p secrets

random() { head -c 32 /dev/urandom | base64; }

# The folder is yours alone. The files are readable for the users inside the containers.
write() {
    [ -e "secrets/$1" ] || { cat > "secrets/$1" && chmod 0444 "secrets/$1"; }
}

random | tr '+/' '-_' | tr -d '=' | write postgres-password
printf 'postgresql://bayar:%s@postgres/bayar\n' "$(cat secrets/postgres-password)" | write database-url
random | write secret-key
printf 'first:%s\n' "$(random)" | write encryption-keys
