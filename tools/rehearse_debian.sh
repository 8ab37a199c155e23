#!/bin/sh
# Rehearse README's two commands as a new user would, in a bare Debian: a root made by debootstrap, with what README
# says one needs (git, make, the system's own python3 with venv) and no compiler; the committed HEAD cloned into it.
#
#   rehearse_debian.sh [--only setup|reproduce|test] [--keep] [--record] RELEASE [FOLDER]
#
#   RELEASE   such as trixie
#   FOLDER    where the root is made (default: a new one in /var/tmp); a root that is there already is used again
#   --only    one command instead of `make reproduce`, then `make test`
#   --keep    leave the root, environment included; it holds some 12 GB
#   --record  put a row for each command in place of its own in docs/rehearsed.csv, which README tells
#
# Needs root, debootstrap and network. Mounts live in a mount namespace of their own, which ends with the command
# however that ends: nothing is ever mounted where files are removed. Exit status 1 where a command failed or left
# `git status` dirty.
set -eu

usage() {
  sed -n '5,11s/^# \{0,3\}//p' "$0" >&2
  exit 2
}

only="" keep="" record=""
while [ $# -gt 0 ]; do
  case $1 in
    --only) only=${2:-}; shift 2 || usage ;;
    --keep) keep=yes; shift ;;
    --record) record=yes; shift ;;
    -*) usage ;;
    *) break ;;
  esac
done
case $only in "" | setup | reproduce | test) ;; *) usage ;; esac
[ $# -ge 1 ] && [ $# -le 2 ] || usage
release=$1
[ "$(id -u)" = 0 ] || { echo "debootstrap needs root; say sudo $0 ..." >&2; exit 2; }
command -v debootstrap >/dev/null || { echo "found no debootstrap; apt install debootstrap" >&2; exit 2; }

GIT_CONFIG_GLOBAL=$(mktemp) # by sudo, the checkout belongs to another user
printf '[safe]\n\tdirectory = *\n' >"$GIT_CONFIG_GLOBAL"
export GIT_CONFIG_GLOBAL
checkout=$(git -C "$(dirname "$0")" rev-parse --show-toplevel)
if [ $# = 2 ]; then
  mkdir -p "$2"
  root=$(cd "$2" && pwd -P)
else
  root=$(mktemp -d "/var/tmp/smicnb-$release.XXXXXX")
fi
[ "$root" != / ] || usage

clean() {
  rm -f "$GIT_CONFIG_GLOBAL"
  if [ -n "$keep" ]; then
    echo "the root is left in $root"
  else
    rm -rf --one-file-system "$root"
  fi
}
trap clean EXIT
trap 'exit 130' INT TERM HUP

if [ ! -e "$root/etc/debian_version" ]; then
  mirror=$(cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources 2>/dev/null |
    sed -n 's/#.*//; s/.*\(https\{0,1\}:[^ ]*\/debian\/\{0,1\}\)\( .*\)*$/\1/p' | head -n 1)
  script=/usr/share/debootstrap/scripts/$release
  [ -e "$script" ] || script=/usr/share/debootstrap/scripts/sid # one that this debootstrap is too old to know
  mirror=${MIRROR:-$mirror}
  [ -n "$mirror" ] || { echo "found no mirror of Debian among apt's sources; say MIRROR=URL $0 ..." >&2; exit 2; }
  debootstrap --variant=minbase --include=git,make,python3,python3-venv,ca-certificates \
    "$release" "$root" "$mirror" "$script" >"$root.log" 2>&1 ||
    { tail -n 3 "$root.log" >&2; exit 1; }
  rm -f "$root.log"
fi
cp -L /etc/resolv.conf /etc/hosts "$root/etc/" 2>/dev/null || true # a host that needs none has none

# What the host's network asks of programmes: proxies, pip's settings, certificates of its own.
index=$(python3 -m pip config get global.index-url 2>/dev/null) || index=""
[ -z "$index" ] || export PIP_INDEX_URL="${PIP_INDEX_URL:-$index}"
passed=$root/root/rehearsal.env
: >"$passed"
for name in $(env | sed -n 's/^\(PIP_[A-Z_]*\|[a-zA-Z]*_proxy\|[A-Z]*_PROXY\|SSL_CERT_[A-Z]*\|[A-Z]*_CA_BUNDLE\)=.*/\1/p'); do
  value=$(printenv "$name")
  printf "%s='%s'\n" "$name" "$(printf %s "$value" | sed "s/'/'\\\\''/g")" >>"$passed"
  case $name:$value in
    PIP_CERT:/* | SSL_CERT_FILE:/* | *_CA_BUNDLE:/*)
      mkdir -p "$root$(dirname "$value")"
      cp -L "$value" "$root$value" ;;
  esac
done

here=/root/smicnb
if [ -e "$root$here/.git" ]; then
  git -C "$root$here" fetch --quiet --depth 1 "file://$checkout" HEAD
  git -C "$root$here" reset --quiet --hard FETCH_HEAD
else
  git clone --quiet --depth 1 "file://$checkout" "$root$here"
fi

inside() { # a command line in the root, in the checkout, with its mounts
  unshare --mount --pid --fork --kill-child sh -c '
    set -e
    mount -t proc proc "$1/proc"
    mount -t tmpfs tmpfs "$1/dev/shm"
    mount -t devpts -o ptmxmode=666 devpts "$1/dev/pts"
    exec chroot "$1" /usr/bin/env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin TERM=dumb \
      sh -c "set -a; . /root/rehearsal.env; set +a; cd /root/smicnb && $2"
  ' sh "$root" "$1"
}

mkdir -p "$root/root/.cache"
cloned=$(du -sm "$root$here/.git" | cut -f1)
model=$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)
status=0
report=""
rows=""
for goal in ${only:-reproduce test}; do
  echo "== $release: make $goal"
  began=$(date +%s)
  inside "make $goal" && ended=0 || ended=$?
  took=$(($(date +%s) - began))
  dirty=$(git -C "$root$here" status --short)
  [ "$ended" = 0 ] && [ -z "$dirty" ] || status=1
  version=$(inside '.venv/bin/python --version' 2>&1) || version="no .venv"
  report="$report
make $goal: status $ended, $((took / 60)) min $((took % 60)) s, $(du -sxm "$root" | cut -f1) MB of disk,\
 $version, git status ${dirty:-clean}"
  rows="$rows
make $goal,$ended,${dirty:+not }clean,$((took / 60)),$(du -scm "$root$here" "$root/root/.cache" | tail -n 1 | cut -f1),$cloned,\
Debian $(cut -d. -f1 "$root/etc/debian_version"),$version,$model,$(nproc),$(git -C "$root$here" rev-parse --short HEAD),$(date -u +%F)"
done
echo "== Debian $(cat "$root/etc/debian_version"), $(nproc) cores, commit $(git -C "$root$here" rev-parse --short HEAD)$report"
if [ -n "$record" ]; then
  table=$checkout/docs/rehearsed.csv
  others=""
  for goal in reproduce test; do
    case ${only:-reproduce test} in
      *$goal*) ;;
      *) others="$others
$(grep "^make $goal," "$table" 2>/dev/null || true)" ;;
    esac
  done
  {
    echo "command,status,tree,minutes,disk_mb,clone_mb,system,python,processor,cores,commit,date"
    printf '%s%s\n' "$rows" "$others" | sed '/^$/d' | sort
  } >"$table.new"
  mv "$table.new" "$table"
fi
exit $status
