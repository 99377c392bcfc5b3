# shellcheck shell=bash disable=SC2154 # lib.sh sets top and build
# Builds the test host's root image: uncompressed cpio archives that are simply put one after
# the other. base: busybox and kernel modules. pshare: what we build. guests: QEMU and a guest.

host=$build/testhost

# Loaded on demand inside; modules that a kernel has built in are passed over.
base_modules='zram zsmalloc lz4 lz4hc lzo lzo-rle loop binfmt_misc virtio_blk virtio_pci
	irqbypass kvm kvm-amd ccp rng-core'

# The few firmware files that a guest without screen and network needs.
guest_firmware='seabios/bios-256k.bin seabios/bios-microvm.bin qemu/bios-microvm.bin qemu/qboot.rom
	qemu/linuxboot_dma.bin qemu/kvmvapic.bin qemu/pvh.bin'

# Modules of our own that the test host has, beside the one that is tested.
host_modules='sleepy_notifier.ko stale_int3.ko'

# image_build KERNEL GUESTS: brings the archives up to date, one caller at a time.
image_build() {
	local kernel=$1 guests=$2 release

	release=$(kernel_release "$kernel")
	mkdir -p "$host"
	exec 9>"$host/lock"
	flock 9
	image_base "$kernel" "$release"
	image_pshare "$release"
	if [[ $guests == yes ]]; then
		image_guests "$kernel" "$release"
	fi
	exec 9>&-
}

image_parts() {
	local release=$1 guests=$2

	echo "$host/base-$release.cpio"
	echo "$host/pshare-$release.cpio"
	if [[ $guests == yes ]]; then
		echo "$host/guests-$release.cpio"
	fi
}

# pack DIRECTORY ARCHIVE: owner and times do not matter, so the image is root's whoever builds it.
pack() {
	(cd "$1" && find . | cpio -o -H newc -R 0:0 --quiet) >"$2.new"
	mv "$2.new" "$2"
	rm -rf "$1"
}

# put FILE DIRECTORY/: copies a program and the libraries it is linked with.
put() {
	local file=$1 dir=$2 root=$3

	mkdir -p "$root$dir"
	cp -L "$file" "$root$dir"
	put_libraries "$file" "$root"
}

put_libraries() {
	local file=$1 root=$2 library

	[[ $(head -c 4 "$file" | tail -c 3) == ELF ]] || return 0
	while read -r library; do
		[[ -e $root$library ]] && continue
		mkdir -p "$root${library%/*}"
		cp -L "$library" "$root$library"
	done < <(ldd "$file" 2>/dev/null | grep -o '/[^ ]*')
}

image_base() {
	local kernel=$1 release=$2 out=$host/base-$2.cpio root=$host/base-$2

	stale "$out" "$(kernel_image "$kernel")" /bin/busybox "$top/scripts/image.sh" || return 0
	step IMAGE "${out#"$top"/}"
	rm -rf "$root"
	mkdir -p "$root"/{bin,sbin,dev,etc,lib,lib64,root,run,tmp,usr/bin,usr/sbin}
	cp /bin/busybox "$root/bin/"
	ln -s busybox "$root/bin/sh"
	put_users "$root"
	put_terminal "$root"
	put_modules "$kernel" "$release" "$root"
	pack "$root" "$out"
}

put_users() {
	printf '%s\n' root:x:0:0:root:/root:/bin/sh tester:x:1000:1000:tester:/tmp:/bin/sh >"$1/etc/passwd"
	printf '%s\n' root:x:0: tester:x:1000: >"$1/etc/group"
}

# A terminal that a test reads, which wants a locale, and a shell that completes.
put_terminal() {
	local entry

	put /usr/bin/tmux /usr/bin/ "$1"
	put /bin/bash /bin/ "$1"
	mkdir -p "$1/usr/lib/locale"
	cp -R /usr/lib/locale/C.utf8 "$1/usr/lib/locale/"
	for entry in s/screen t/tmux l/linux; do
		mkdir -p "$1/lib/terminfo/${entry%/*}"
		cp "/lib/terminfo/$entry" "$1/lib/terminfo/$entry"
	done
}

# Unpacked, because busybox's modprobe and the kernel of the test host then need nothing else.
put_modules() {
	local kernel=$1 release=$2 root=$3 from name file to

	from=$(kernel_modroot "$kernel")
	for name in $base_modules; do
		while read -r file; do
			to=$root${file#"$from"}
			mkdir -p "${to%/*}"
			case $file in
			*.xz) xz -dc "$file" >"${to%.xz}" ;;
			*) cp "$file" "$to" ;;
			esac
		done < <(modprobe -d "$from/" -S "$release" -D "$name" 2>/dev/null | sed -n 's/^insmod \([^ ]*\).*/\1/p')
	done
	mkdir -p "$root/lib/modules/$release"
	cp "$from/lib/modules/$release"/modules.{builtin,builtin.modinfo,order} "$root/lib/modules/$release/"
	depmod -b "$root" "$release"
}

# Everything that changes while one works: the module, the command, the tests and their runner.
image_pshare() {
	local release=$1 out=$host/pshare-$1.cpio root=$host/pshare-$1 sources

	mapfile -t sources < <(pshare_sources "$release")
	stale "$out" "$top/scripts/image.sh" "${sources[@]}" "$build/selftests" "$top/selftests" || return 0
	step IMAGE "${out#"$top"/}"
	rm -rf "$root"
	mkdir -p "$root/usr/lib/pshare"
	cp "$top/selftests/init" "$root/init"
	put_programs "$release" "$root"
	pack "$root" "$out"
}

pshare_sources() {
	find "$top/selftests" -type f
	find "$build/selftests" "$build/$1/kmod/pshare.ko" "$build/$1/guest" "$top/user/pshare" "$top/daemon/pshared" -maxdepth 1 -type f 2>/dev/null
	echo "$top/Documentation/ABI/testing/sysfs-kernel-mm-pshare"
	echo "$top/daemon/pshared.conf"
}

put_programs() {
	local release=$1 root=$2 file

	shopt -s nullglob
	for file in "$build"/selftests/*_test "$top"/selftests/*.sh; do
		put "$file" /usr/lib/pshare/tests/ "$root"
	done
	for file in run-tests complaints guest/guest; do
		[[ ! -e $top/selftests/$file ]] || cp "$top/selftests/$file" "$root/usr/lib/pshare/"
	done
	# A test compares it with the files there are.
	cp "$top/Documentation/ABI/testing/sysfs-kernel-mm-pshare" "$root/usr/lib/pshare/"
	shopt -u nullglob
	if [[ -e $top/user/pshare ]]; then
		put "$top/user/pshare" /usr/sbin/ "$root"
	fi
	if [[ -e $top/daemon/pshared ]]; then
		put "$top/daemon/pshared" /usr/sbin/ "$root"
		cp "$top/daemon/pshared.conf" "$root/usr/lib/pshare/"
	fi
	if [[ -e $build/$release/kmod/pshare.ko ]]; then
		mkdir -p "$root/lib/modules/$release/updates"
		cp "$build/$release/kmod/pshare.ko" "$root/lib/modules/$release/updates/"
		ln -s "$release/updates/pshare.ko" "$root/lib/modules/pshare.ko"
	fi
	for file in $host_modules; do
		[[ ! -e $build/$release/guest/$file ]] || cp "$build/$release/guest/$file" "$root/usr/lib/pshare/"
	done
}

# A guest: QEMU as Debian ships it, a stock kernel, and our program as its init.
image_guests() {
	local kernel=$1 release=$2 out=$host/guests-$2.cpio root=$host/guests-$2 file
	local load=$build/selftests/guest/load hold=$build/selftests/guest/hold-kvm
	local steady=$build/$2/guest/svm_steady.ko
	local qemu=/usr/bin/qemu-system-x86_64

	# A kernel built for debugging is too slow for two levels of emulation.
	[[ ! -d $kernel ]] || kernel=6.12
	[[ -e $load ]] || die "no $load: run make tests"
	stale "$out" "$(kernel_image "$kernel")" "$qemu" "$load" "$hold" "$steady" "$top/scripts/image.sh" || return 0
	step IMAGE "${out#"$top"/}"
	rm -rf "$root"
	put "$qemu" /usr/bin/ "$root"
	for file in $guest_firmware; do
		mkdir -p "$root/usr/share/${file%/*}"
		cp -L "/usr/share/$file" "$root/usr/share/$file"
	done
	mkdir -p "$root/usr/lib/pshare" "$root/usr/lib/guest/dev"
	cp -L "$(kernel_image "$kernel")" "$root/usr/lib/pshare/guest-kernel"
	cp "$load" "$root/usr/lib/guest/init"
	cp "$hold" "$steady" "$root/usr/lib/pshare/"
	pack "$root/usr/lib/guest" "$root/usr/lib/pshare/guest-initramfs"
	pack "$root" "$out"
}
