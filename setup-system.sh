#!/bin/sh
# Installs what Qt, Xvfb and `python -m venv` need of the system, on Debian and Ubuntu; elsewhere it does nothing.
# usage: setup-system.sh                  the libraries of Qt, and Xvfb for the tests that draw through OpenGL
#        setup-system.sh venv PYTHON      ensurepip for that Python, if it lacks it
set -eu

command -v dpkg-query >/dev/null 2>&1 || exit 0

if [ "${1:-}" = venv ]; then
    "$2" -c 'import ensurepip' 2>/dev/null && exit 0
    wanted="$("$2" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')"
else
    wanted="libegl1 libgl1 libopengl0 libgl1-mesa-dri libxkbcommon0 libxkbcommon-x11-0 libdbus-1-3 libfontconfig1 libfreetype6
        libx11-xcb1 libxcb-cursor0 libxcb-icccm4 libxcb-image0 libxcb-keysyms1 libxcb-randr0 libxcb-render-util0 libxcb-render0
        libxcb-shape0 libxcb-shm0 libxcb-sync1 libxcb-xfixes0 libxcb-xinerama0 libxcb-xkb1 xvfb xauth"
    # renamed in the releases of 2024 and later
    if apt-cache show libglib2.0-0t64 >/dev/null 2>&1; then wanted="$wanted libglib2.0-0t64"; else wanted="$wanted libglib2.0-0"; fi
fi

missing=""
for package in $wanted; do
    dpkg-query --show --showformat='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" = 0 ]; then as_root=""
elif sudo -n true 2>/dev/null; then as_root="sudo -n"
else
    echo "Some system libraries are missing. Please run, then try again:" >&2
    echo "    sudo apt-get update && sudo apt-get install --no-install-recommends$missing" >&2
    exit 1
fi
echo "Installing system packages:$missing"
$as_root apt-get update -qq
$as_root env DEBIAN_FRONTEND=noninteractive apt-get install -qq --yes --no-install-recommends $missing >/dev/null
