#!/bin/sh
# Print the Python that the environment is made with: the newest of those the project was run with, else another
# that fits. Where none fits: one line that says which were found, what each lacks and what mends it; status 2.
#
#   find_python.sh [PYTHON]    with PYTHON, only that one is judged
set -u

RAN="3.13 3.11" # the Pythons that docs/installation.md lists as run, newest first
OTHERS="3.14 3.12"

# One word for "usable", or what the Python lacks. Old ones read this too, so that it is Python 2 as well as 3.
JUDGE='
import platform, sys
def lacks():
    if sys.version_info < (3, 11):
        return "is older than 3.11"
    if sys.version_info >= (3, 15):
        return "is newer than 3.14"
    if sys.implementation.name != "cpython":
        return "is " + sys.implementation.name + " instead of CPython"
    if sys.maxsize < 2**32:
        return "is a 32-bit build"
    import sysconfig
    if sysconfig.get_config_var("Py_GIL_DISABLED"):
        return "is a free-threaded build, for which not every package has a wheel"
    if "musl" in (sysconfig.get_config_var("SOABI") or ""):
        return "is built for musl, for which torch has no wheel"
    if (sys.platform, platform.machine().lower()) in (("darwin", "x86_64"), ("win32", "arm64")):
        return "is built for " + platform.machine() + ", for which torch has no wheel"
    missing = []
    for name in ("venv", "ensurepip", "ssl", "zlib", "bz2", "lzma", "ctypes"):
        try:
            __import__(name)
        except Exception:
            missing.append(name)
    return "lacks " + ", ".join(missing) if missing else ""
lack = lacks()
print("(%d.%d.%d) " % sys.version_info[:3] + lack if lack else "usable")
'

found=""     # "NAME (VERSION) what it lacks", joined by "; "
mendable="" # the version of a Python that lacks modules alone, such as 3.13

judge() { # NAME: status 0 and its path in $path where it is usable, else a note in $found
  path=$(command -v "$1" 2>/dev/null) || return 1
  verdict=$("$path" -c "$JUDGE" 2>/dev/null) || verdict="does not start"
  verdict=$(printf %s "$verdict" | tr -d '\r')
  case $verdict in
    usable) return 0 ;;
    "") verdict="does not start" ;;
    *" lacks "*) [ -n "$mendable" ] || mendable=$(printf %s "$verdict" | sed 's/^(\(3\.[0-9]*\).*/\1/') ;;
  esac
  case $1:$found in
    python3:*"$verdict"* | python:*"$verdict"*) ;; # python3.13 by another name
    *) found="${found:+$found; }$1 $verdict" ;;
  esac
  return 1
}

mend() { # the command that makes a usable Python on this system
  first=${RAN%% *}
  sudo=""
  [ "$(id -u)" = 0 ] || sudo="sudo "
  case $(uname -s) in
    Darwin) echo "brew install python@$first"; return ;;
    MINGW* | MSYS* | CYGWIN*) echo "winget install --exact --id Python.Python.$first"; return ;;
  esac
  ID="" ID_LIKE=""
  release=${SMICNB_OS_RELEASE:-/etc/os-release} # the tests put other systems here
  [ ! -r "$release" ] || . "$release"
  for system in $ID $ID_LIKE; do
    case $system in
      debian | ubuntu)
        if [ -z "$mendable" ] && ! apt-cache show python3 >/dev/null 2>&1; then # a fresh image knows no packages yet
          echo "${sudo}apt update && ${sudo}apt install python3-venv"
          return
        fi
        for version in $RAN $OTHERS; do
          [ -z "$mendable" ] && apt-cache show "python$version-venv" >/dev/null 2>&1 && mendable=$version
        done
        [ -n "$mendable" ] || break
        echo "${sudo}apt install python$mendable-venv"
        return ;;
      fedora) echo "${sudo}dnf install python$first"; return ;;
      rhel | centos) echo "${sudo}dnf install python3.12"; return ;;
      arch) echo "${sudo}pacman -S python"; return ;;
      suse | opensuse) echo "${sudo}zypper install python$(echo "$first" | tr -d .)"; return ;;
      alpine) echo "use a system with glibc, such as Debian"; return ;;
    esac
  done
  echo "uv python install $first (https://docs.astral.sh/uv), then make PYTHON=\"\$(uv python find $first)\""
}

if [ $# -gt 0 ] && [ -n "$1" ]; then
  if judge "$1"; then
    echo "$path"
    exit
  fi
  [ -n "$found" ] || found="$1 is no programme"
else
  for name in $(printf 'python%s ' $RAN $OTHERS) python3 python; do
    if judge "$name"; then
      echo "$path"
      exit
    fi
  done
fi
echo "found ${found:-no Python}; needed: CPython 3.11 to 3.14, 64-bit, with venv and ensurepip; install one:" \
  "$(mend), or say make PYTHON=/path/to/python" >&2
exit 2
