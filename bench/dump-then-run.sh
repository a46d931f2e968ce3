#!/bin/sh
# What people write by hand: dump into a file, then run the command. $1 is pg_dump; $OUT the folder of the dumps.
set -eu
pg_dump=$1
shift
mkdir -p "$OUT"
file="$OUT/$(date +%Y-%m-%d_%H-%M-%S).sql"
"$pg_dump" > "$file"
echo "dumped into $file"
exec "$@"
