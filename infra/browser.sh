#!/bin/sh
# Installs what the tests of the page need, if it is missing: browser.sh PLAYWRIGHT
set -eu
playwright=$1 here=$(dirname "$0")

for name in chromium chromium-browser google-chrome; do
  command -v $name >/dev/null && found=1
done
[ -n "${found-}" ] || sh "$here/apt-install.sh" chromium
# Playwright's driver is linked with a library that a small Debian lacks
"$playwright" --version >/dev/null 2>&1 || sh "$here/apt-install.sh" libatomic1
