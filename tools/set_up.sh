#!/bin/sh
# Make .venv whole: the locked packages, the project itself, the embedded weights. Run from the checkout's root.
#
#   set_up.sh [PYTHON [TORCH_INDEX]]
#
# A whole .venv is left alone as long as it works, made from these locks, at this place; with PYTHON, by that version.
# Every other one is made anew, so that nothing half-made and nothing left over is ever taken for whole: .venv/ready,
# which says what it was made from, goes first and comes last. What goes wrong is told on one line, status 2.
set -u

asked=${1:-}
torch_index=${2:-}
bin=.venv/bin
case $(uname -s) in MINGW* | MSYS* | CYGWIN*) bin=.venv/Scripts ;; esac

stop() { # FOUND, NEEDED, WHAT TO DO
  echo "$1; needed: $2; $3" >&2
  exit 2
}

free() { # gigabytes free where FOLDER is, or its nearest parent that exists
  folder=$1
  while [ ! -e "$folder" ]; do folder=$(dirname "$folder"); done
  df -Pk "$folder" | awk 'NR == 2 { printf "%.1f GB", $4 / 1e6 }'
}

explain() { # the output of what failed -> one line, status 2
  left=$(df -Pk . | awk 'NR == 2 { print $4 }')
  case $left:$1 in
    ?:* | ??:* | ???:* | *"No space left"* | *"Disk quota"*)
      temporary=${TMPDIR:-/tmp}
      rm -rf .venv # useless as it is, and in the way
      room="$(free .) in the checkout, $(free "$temporary") in $temporary, $(free "$cache") in $cache"
      stop "the disk is full (free without .venv: $room)" "$NEEDS" \
        "make room, name a larger place (TMPDIR=FOLDER, XDG_CACHE_HOME=FOLDER), or take a smaller torch (TORCH_INDEX=URL)" ;;
  esac
  reason=$(printf '%s\n' "$1" | grep -v '^ *$' | tail -n 1)
  case $1 in
    *"Permission denied"* | *"Read-only file system"* | *"Operation not permitted"*)
      stop "a file could not be written: $reason" "a checkout and a cache that you may write" \
        "mend their owner (chown -R), or clone anew" ;;
    *"DO NOT MATCH THE HASHES"*)
      stop "the package index served other bytes than the lock promises" "the locked files" \
        "clear pip's cache (pip cache purge) or set PIP_INDEX_URL to another index" ;;
    *Retrying* | *ProxyError* | *SSLError* | *"onnection broken"* | *"timed out"* | *IncompleteRead*)
      words="Failed to establish[^)\"']*|CERTIFICATE[^)\"']*|[A-Za-z]+(Timeout|Proxy|SSL)Error|timed out|IncompleteRead"
      reason=$(printf '%s\n' "$1" | grep -o -E "$words" | tail -n 1)
      stop "the package index was not reached${reason:+ ($reason)}" "the network" \
        "say the same again where it is back; settings that help: https_proxy, PIP_INDEX_URL, PIP_CERT" ;;
    *"No matching distribution"*)
      stop "$reason" "a wheel of all that is locked" \
        "docs/installation.md says which systems have them; make resolve asks the index" ;;
  esac
  stop "${reason:-the set-up stopped}" "a set-up without errors" "say the same again to make .venv anew"
}

try() { # a command whose output matters only where it fails
  output=$("$@" 2>&1) || explain "$output"
}

pip() {
  try "$bin/python" -m pip install --quiet --disable-pip-version-check --no-deps "$@"
}

NEEDS="8 GB in the checkout, 3 GB in the temporary folder, 4 GB in the cache"
case ${XDG_CACHE_HOME:-} in
  /* | ?:*) cache=$XDG_CACHE_HOME ;;
  *) cache=${HOME:-.}/.cache ;;
esac

# What .venv is made from: its own place, which scripts in it name, then the locks, then the project's metadata.
made_from="$(pwd -P)
$(cat requirements.lock requirements-torch.lock | cksum)"
project=$(cksum <pyproject.toml)

python=""
if [ -n "$asked" ]; then
  python=$(sh tools/find_python.sh "$asked") || exit 2
fi
if [ -e .venv/ready ]; then
  version='import sys; print(sys.version_info[:2])'
  held=$("$bin/python" -c "import pip; $version" 2>/dev/null) || held=broken
  wanted=$held
  [ -z "$python" ] || wanted=$("$python" -c "$version")
  if [ "$held" != broken ] && [ "$held" = "$wanted" ]; then
    if [ "$(cat .venv/ready)" = "$made_from
$project" ]; then
      [ -z "$torch_index" ] ||
        echo "set-up: .venv is whole and keeps its torch; to take it from $torch_index say make clean first" >&2
      exit 0
    fi
    [ "$(sed 2q .venv/ready)" != "$made_from" ] || python=kept
  fi
fi

trap 'echo "interrupted; the same command makes .venv anew" >&2; exit 130' INT TERM HUP

if [ "$python" = kept ]; then
  { echo $$ >.venv/making; } 2>/dev/null
else
  if [ -z "$python" ]; then
    python=$(sh tools/find_python.sh) || exit 2
  fi
  if ! { mkdir -p "$cache/smicnb" && [ -w "$cache/smicnb" ]; } 2>/dev/null; then
    stop "$cache/smicnb cannot be written" "a folder for weights and results" "say XDG_CACHE_HOME=FOLDER make ..."
  fi
  if ! { mkdir -p .venv && [ -w .venv ] && rm -f .venv/ready; } 2>/dev/null; then
    stop "$(pwd)/.venv cannot be written" "a checkout that you may write" "mend its owner (chown -R), or clone anew"
  fi
  echo "set-up: .venv with $python"
  try "$python" -m venv --clear .venv
  echo $$ >.venv/making # another set-up that begins now takes it away
  echo "set-up: the locked packages (some minutes, once)"
  pip --only-binary :all: --require-hashes --requirement requirements.lock
  echo "set-up: torch${torch_index:+ from $torch_index}"
  if [ -z "$torch_index" ]; then
    pip --only-binary :all: --require-hashes --requirement requirements-torch.lock
  else
    # The second lock holds torch and the CUDA libraries of its default Linux build; the same versions without them:
    sed -nE 's/^((torch|torchvision)==[^\\]*).*/\1/p' requirements-torch.lock >.venv/torch.in
    pip --only-binary :all: --index-url "$torch_index" --requirement .venv/torch.in
  fi
fi
echo "set-up: the project and its weights"
pip --no-build-isolation --editable .
"$bin/smicnb" weights fetch --embedded || exit
[ "$(cat .venv/making 2>/dev/null)" = $$ ] ||
  stop "another set-up began on .venv before this one ended" "one at a time" "say the same again when that one has ended"
rm -f .venv/making
printf '%s\n%s\n' "$made_from" "$project" >.venv/ready.new && mv .venv/ready.new .venv/ready ||
  stop ".venv/ready cannot be written" "room for it" "make room and say the same again"
