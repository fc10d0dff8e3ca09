#!/bin/sh
# Installs a Debian package as root, and prints it first. Otherwise prints the command and fails.
set -eu
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  echo "installing the Debian package $1"
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$1" >/dev/null
else
  echo "$1 is missing. On Debian and Ubuntu: sudo apt-get install $1" >&2
  exit 1
fi
