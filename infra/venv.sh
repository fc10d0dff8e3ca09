#!/bin/sh
# Creates an empty virtual environment: venv.sh PYTHON DIRECTORY
set -eu
python=$1 directory=$2

version=$("$python" --version 2>&1) || version=missing
if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
  echo "Rivulet needs Python 3.11 or newer; $python is $version. Another one: make PYTHON=python3.13 ..." >&2
  exit 1
fi
# Debian's python3 lacks these two
"$python" -c 'import venv, ensurepip' 2>/dev/null || "$(dirname "$0")/apt-install.sh" python3-venv
echo "creating the virtual environment $directory"
"$python" -m venv --clear "$directory"
