# SPDX-License-Identifier: MIT OR Apache-2.0
# shellcheck shell=bash
# Applies series of patches to sources, for build and each.

# Runs git in SOURCE, whatever the user's configuration: source_git SOURCE COMMAND...
source_git() {
    git -C "$1" -c user.name=patches -c user.email=patches@localhost -c commit.gpgsign=false -c gc.auto=0 "${@:2}"
}

# Makes SOURCE a repository with one commit.
import_source() {
    rm -rf "$1/.git"
    source_git "$1" init --quiet
    source_git "$1" add --all --force
    source_git "$1" commit --quiet --no-verify --message=upstream
}

# Applies the series in FOLDER to SOURCE, as a maintainer of the server would: apply_series SOURCE FOLDER
apply_series() {
    local patches
    mapfile -t patches < <(series_patches "$2")
    source_git "$1" am --quiet "${patches[@]}"
}

# Prints the paths of the patches of the series in FOLDER.
series_patches() {
    sed "s,^,$1/," "$1/series"
}

# Prints a hash of the patches of the series in FOLDER.
series_digest() {
    local patches
    mapfile -t patches < <(series_patches "$1")
    cat "${patches[@]}" | sha256sum | cut -c -16
}
