# shellcheck shell=bash
# Shared by the scripts: where things are, how to complain, which kernel is meant.

# modprobe and depmod are not on everybody's path.
PATH=$PATH:/usr/sbin:/sbin

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck disable=SC2034 # for those who read this file
build=$top/build

die() {
	echo "${0##*/}: $*" >&2
	exit 1
}

# Kernel style progress lines; V=1 makes the commands themselves visible instead.
step() {
	printf '  %-7s %s\n' "$1" "$2" >&2
}

# True when $1 is missing or older than any of the other files.
stale() {
	local target=$1 source

	shift
	[[ -e $target ]] || return 0
	for source; do
		[[ ! $source -nt $target ]] || return 0
	done
	return 1
}

# Newest first would be a surprise for a person who installed one by hand: take the highest version.
newest() {
	printf '%s\n' "$@" | sort -V | tail -n 1
}

# A kernel is named by its series (6.1, 6.12), by its release, or by a folder with vmlinuz,
# lib/modules/RELEASE and build/ in it (a kernel built by hand).
kernel_release() {
	local spec=$1 found=()

	if [[ -d $spec ]]; then
		found=("$spec"/lib/modules/*/)
		basename "${found[0]}"
		return
	fi
	if [[ -e /boot/vmlinuz-$spec ]]; then
		echo "$spec"
		return
	fi
	shopt -s nullglob
	found=(/boot/vmlinuz-"$spec".*-cloud-amd64)
	shopt -u nullglob
	((${#found[@]})) || die "no kernel $spec in /boot: run scripts/deps"
	found=("$(newest "${found[@]}")")
	echo "${found[0]#/boot/vmlinuz-}"
}

kernel_image() {
	if [[ -d $1 ]]; then
		echo "$1/vmlinuz"
	else
		echo "/boot/vmlinuz-$(kernel_release "$1")"
	fi
}

# The folder below which lib/modules lies.
kernel_modroot() {
	if [[ -d $1 ]]; then
		echo "$1"
	else
		echo ""
	fi
}

# Headers to build against. Without an argument: the running kernel's, or else the newest installed.
kernel_kdir() {
	local spec=${1-} found=()

	if [[ -z $spec && -e /lib/modules/$(uname -r)/build/Makefile ]]; then
		echo "/lib/modules/$(uname -r)/build"
		return
	fi
	if [[ -n $spec && -d $spec ]]; then
		echo "$spec/build"
		return
	fi
	if [[ -n $spec ]]; then
		echo "/usr/src/linux-headers-$(kernel_release "$spec")"
		return
	fi
	shopt -s nullglob
	found=(/usr/src/linux-headers-6.1.*-amd64 /usr/src/linux-headers-6.12.*-amd64)
	shopt -u nullglob
	((${#found[@]})) || die "no kernel headers found: run scripts/deps, or give KDIR="
	newest "${found[@]}"
}
