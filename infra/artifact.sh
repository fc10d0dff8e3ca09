#!/bin/sh
# Fills a directory with what the function needs, and with nothing else: app/, handler/ and their locked dependencies
# as wheels for Lambda's platform, compiled. The same sources give the same bytes.
#
#   artifact.sh DIRECTORY ARCHITECTURE PYTHON_VERSION     x86_64 or arm64; 3.13
set -eu
directory=$1 architecture=$2 version=$3

case $architecture in
x86_64) machine=x86_64 ;;
arm64) machine=aarch64 ;;
*) echo "artifact: no such architecture: $architecture (x86_64 or arm64)" >&2 && exit 2 ;;
esac

# The lock was resolved for Lambda's Python and platform, so it has no markers, which pip would evaluate for its own.
.venv/bin/python -m pip install --quiet --disable-pip-version-check \
  --target "$directory" --no-deps --require-hashes --requirement infra/requirements/function.txt \
  --implementation cp --python-version "$version" --only-binary :all: --no-compile \
  --platform "manylinux2014_$machine" --platform "manylinux_2_28_$machine"
cp -R app handler "$directory"

cd "$directory"
# commands, pip's notes on the installation, tests, and Powertools' HTTP framework (0.8 MB zipped): nothing imports them
rm -rf bin aws_lambda_powertools/event_handler
rm -f ./*.dist-info/RECORD ./*.dist-info/INSTALLER ./*.dist-info/REQUESTED
find . -depth -type d \( -name __pycache__ -o -name tests -o -name _tests \) -exec rm -rf {} \;

# Bytecode saves more than half of a cold start. Unchecked, because dates do not survive the way to Lambda.
if "python$version" -c '' 2>/dev/null; then
  env -u PYTHONHOME -u PYTHONPATH "python$version" -m compileall -q --invalidation-mode unchecked-hash \
    -s "$directory" -p /var/task "$directory"
else
  # on stdout, because `sam build` shows the other only when something fails
  echo "artifact: no python$version here, so no bytecode: the function will start about 1.5 s slower"
fi

chmod -R u=rwX,go=rX . # whatever the umask was: Lambda runs as another user
find . -exec touch -t 198001010000 {} +
