#!/bin/sh
# Run once by the image of PostgreSQL, as its operating system user, when the data directory is new.
set -eu
psql --no-psqlrc --set=ON_ERROR_STOP=1 --username="${POSTGRES_USER:-postgres}" --file=/setup.sql
