#!/bin/sh
# Sees to it that the tests have a browser: browser.sh PLAYWRIGHT
set -eu
playwright=$1 here=$(dirname "$0")

for name in chromium chromium-browser google-chrome; do
  command -v $name >/dev/null && found=1
done
[ -n "${found-}" ] || sh "$here/apt-install.sh" chromium
# what drives it is a program of Playwright's own, and a small Debian has not all that it is linked with
"$playwright" --version >/dev/null 2>&1 || sh "$here/apt-install.sh" libatomic1
