#!/bin/sh
# Fills a directory with the function's artifact: app/, handler/ and their locked dependencies,
# compiled, from wheels for Lambda's platform. The same sources give the same bytes.
#
#   artifact.sh DIRECTORY ARCHITECTURE PYTHON_VERSION     x86_64 or arm64; 3.13
set -eu
export LC_ALL=C # ranges in patterns are those of ASCII
directory=$1 architecture=$2 version=$3

case $architecture in
x86_64) machine=x86_64 ;;
arm64) machine=aarch64 ;;
*) echo "artifact: no such architecture: $architecture (x86_64 or arm64)" >&2 && exit 2 ;;
esac

# The lock is resolved for Lambda's Python and platform. It has no markers, which pip would
# evaluate for the Python that runs it.
.venv/bin/python -m pip install --quiet --disable-pip-version-check \
  --target "$directory" --no-deps --require-hashes --requirement infra/requirements/function.txt \
  --implementation cp --python-version "$version" --only-binary :all: --no-compile \
  --platform "manylinux2014_$machine" --platform "manylinux_2_28_$machine"
cp -R app handler "$directory"

cd "$directory"
# Only files with a plain name and a known type are copied, no backups of editors. A new type
# of file must be added here.
find app handler -depth -type d \( -name '*[!A-Za-z0-9_-]*' -o -name __MACOSX -o -name node_modules \) -exec rm -rf {} \;
find app handler ! -type d \( -name '[!A-Za-z0-9_]*' -o -name '*[!A-Za-z0-9._-]*' -o ! \( \
  -path handler/bootstrap -o -name '*.py' -o -name '*.html' -o -name '*.css' -o -name '*.js' -o -name '*.mjs' \
  -o -name '*.svg' -o -name '*.png' -o -name '*.ico' -o -name '*.webp' -o -name '*.woff2' -o -name '*.json' \
  -o -name '*.webmanifest' -o -name '*.gz' -o -name '*.br' \) \) -exec rm -f {} +
# commands, pip's records, tests, and Powertools' HTTP framework (0.8 MB zipped): not imported
rm -rf bin aws_lambda_powertools/event_handler
rm -f ./*.dist-info/RECORD ./*.dist-info/INSTALLER ./*.dist-info/REQUESTED
find . -depth -type d \( -name __pycache__ -o -name tests -o -name _tests \) -exec rm -rf {} \;

# Bytecode saves more than half of a cold start. Unchecked, because Lambda changes dates.
if "python$version" -c '' 2>/dev/null; then
  env -u PYTHONHOME -u PYTHONPATH "python$version" -m compileall -q --invalidation-mode unchecked-hash \
    -s "$directory" -p /var/task "$directory"
else
  # on stdout, because `sam build` shows stderr only after a failure
  echo "artifact: no python$version here, so no bytecode: the function will start about 1.5 s slower"
fi

# modes do not depend on umask and checkout: Lambda runs as another user, and executes bootstrap
find app handler -type f -exec chmod 644 {} +
chmod -R u=rwX,go=rX .
chmod 755 handler/bootstrap
find . -exec touch -t 198001010000 {} +
