#!/bin/sh
# What Tapeprint needs of the system. On Debian and Ubuntu what is missing is installed where root or sudo allows,
# and else the command that would do it is printed. On other systems nothing is installed.
# usage: setup-system.sh python     prints a Python that will do, with ensurepip
#        setup-system.sh exactly 3.12     prints a Python of that version; fails if there is none
#        setup-system.sh qt         the libraries that Qt's wheels leave to the system
#        setup-system.sh xvfb       a display for the tests that draw through OpenGL
set -eu

is_debian() { command -v dpkg-query >/dev/null 2>&1 && command -v apt-get >/dev/null 2>&1; }

is_installed() { # releases of 2024 and later renamed some packages to NAMEt64
    for name in "$1" "$1t64"; do
        if dpkg-query --show --showformat='${Status}\n' "$name" 2>/dev/null | grep -q 'ok installed'; then return 0; fi
    done
    return 1
}

need() { # the packages named; on a system that is not Debian's it is for the user to know theirs
    is_debian || return 0
    missing=""
    for package in "$@"; do
        is_installed "$package" || missing="$missing $package"
    done
    if [ -z "$missing" ]; then return 0; fi
    if [ "$(id -u)" = 0 ]; then as_root=""
    elif sudo -n true 2>/dev/null; then as_root="sudo -n"
    else
        echo "Some system packages are missing. Please run this, then try again:" >&2
        echo "    sudo apt-get update && sudo apt-get install --no-install-recommends$missing" >&2
        exit 1
    fi
    echo "Installing system packages:$missing" >&2
    $as_root apt-get update -qq >/dev/null || true # one source that is down need not be the one that is wanted
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -qq --yes --no-install-recommends $missing >/dev/null
}

will_do() { "$1" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 16))' >/dev/null 2>&1; }

find_python() {
    for python in python3 python3.13 python3.12 python3.14 python3.15 python3.11; do
        if will_do "$python"; then echo "$python"; return 0; fi
    done
    return 1
}

find_exactly() { # on the path, or among those that pyenv keeps
    for python in "python$1" "${PYENV_ROOT:-$HOME/.pyenv}/versions/$1".*/bin/python; do
        if "$python" -c "import sys, ensurepip; sys.exit('%d.%d' % sys.version_info[:2] != '$1')" >/dev/null 2>&1; then
            echo "$python"; return 0
        fi
    done
    return 1
}

case "${1:-}" in
exactly)
    find_exactly "${2:?which version?}"
    ;;
python)
    python="${PYTHON:-$(find_python || true)}"
    if [ -z "$python" ]; then
        command -v python3 >/dev/null 2>&1 || need python3 python3-venv
        python="$(find_python || true)"
    fi
    if [ -z "$python" ] || ! will_do "$python"; then
        echo "Tapeprint needs Python 3.11 to 3.15; found ${python:-none}. Name one with: make PYTHON=/path/to/python" >&2
        exit 1
    fi
    if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
        need "$("$python" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')"
    fi
    echo "$python"
    ;;
qt)
    need libegl1 libgl1 libopengl0 libgl1-mesa-dri libglib2.0-0 libxkbcommon0 libxkbcommon-x11-0 libdbus-1-3 libfontconfig1 \
        libfreetype6 libx11-xcb1 libxcb-cursor0 libxcb-icccm4 libxcb-image0 libxcb-keysyms1 libxcb-randr0 libxcb-render-util0 \
        libxcb-render0 libxcb-shape0 libxcb-shm0 libxcb-sync1 libxcb-xfixes0 libxcb-xinerama0 libxcb-xkb1
    ;;
xvfb)
    need xvfb xauth
    ;;
*)
    echo "usage: sh setup-system.sh python|exactly VERSION|qt|xvfb" >&2
    exit 2
    ;;
esac
