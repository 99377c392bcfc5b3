# pshare: build, install, test. `make help` lists what there is.

PREFIX ?= /usr/local
KERNELS := 6.1 6.12
KERNEL ?=
CC ?= gcc

ifeq ($(V),1)
Q :=
say = @:
else
Q := @
MAKEFLAGS += --no-print-directory
say = @printf '  %-7s %s\n'
endif

# Lazy, so that `make help` and `make clean` work where no headers are.
KDIR = $(eval KDIR := $(shell scripts/kernel kdir $(KERNEL)))$(KDIR)
release_of = $(shell cut -d '"' -f 2 $(1)/include/generated/utsrelease.h)

# What check and demo run on: one kernel if asked for, both by default.
CHECK_KERNELS := $(or $(KERNEL),$(KERNELS))

CFLAGS ?= -O2 -g
WARN := -Wall -Wextra -Wmissing-prototypes -Wstrict-prototypes -Wshadow $(if $(filter 1,$(WERROR)),-Werror)
CPPFLAGS += -D_GNU_SOURCE -Iuapi -MMD -MP

.DELETE_ON_ERROR:
.PHONY: all module command daemon tests unit-tests install install-module install-user install-source uninstall deb check-packages lint check check-debug bench bench-native demo shell deps clean help FORCE

all: module command daemon

## Module: built in a copy, one folder a kernel, so that several kernels do not get in each other's way.

module: kmod/pshare.ko

kmod/pshare.ko: FORCE
	$(Q)$(MAKE) module-in KDIR=$(KDIR) RELEASE=$(call release_of,$(KDIR))
	$(Q)cmp -s build/$(call release_of,$(KDIR))/kmod/pshare.ko $@ || cp build/$(call release_of,$(KDIR))/kmod/pshare.ko $@

.PHONY: module-in modules-all $(KERNELS:%=module-%)
module-in:
	$(Q)scripts/sync kmod build/$(RELEASE)/kmod
	$(Q)scripts/sync uapi build/$(RELEASE)/uapi
	$(Q)scripts/kbuild $(KDIR) build/$(RELEASE)/kmod W=1 $(if $(filter 1,$(WERROR)),KCFLAGS=-Werror) $(if $(filter 1,$(V)),V=1) modules

# What the kernel of the test host needs when it has guests; see selftests/guest/module/svm_steady.c.
.PHONY: guest-module-in
guest-module-in:
	$(Q)scripts/sync selftests/guest/module build/$(RELEASE)/guest
	$(Q)scripts/kbuild $(KDIR) build/$(RELEASE)/guest W=1 $(if $(filter 1,$(WERROR)),KCFLAGS=-Werror) $(if $(filter 1,$(V)),V=1) modules

# module-6.1, module-6.12: for the test host.
$(KERNELS:%=module-%): module-%:
	$(Q)$(MAKE) module-in guest-module-in KDIR=$(shell scripts/kernel kdir $*) RELEASE=$(shell scripts/kernel release $*)

modules-all: $(CHECK_KERNELS:%=module-%)

## Command

command_libs = libmnl json-c libxxhash
command_objects := $(patsubst user/%.c,build/user/%.o,$(wildcard user/*.c))

command: user/pshare

# Which processes are virtual machines, and their names, the daemon knows.
command_shared := build/daemon/hypervisor.o build/daemon/process.o

user/pshare: $(command_objects) $(command_shared)
	$(say) LD $@
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $$(pkg-config --libs $(command_libs)) -lm

# What the daemon takes of the command, and the table of knobs of the module.
shared_archive := build/user/shared.a

$(shared_archive): $(filter-out build/user/main.o,$(command_objects)) build/kmod/knob_table.o
	$(Q)rm -f $@ && ar rcs $@ $^

build/user/%.o: user/%.c
	$(say) CC $<
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) -Idaemon -Ikmod $(CFLAGS) $(WARN) $$(pkg-config --cflags $(command_libs)) -c -o $@ $<

build/kmod/%.o: kmod/%.c
	$(say) CC "$< (for the daemon)"
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) $(WARN) -c -o $@ $<

## Daemon

daemon_libs = $(command_libs) libsystemd libmicrohttpd inih
daemon_objects := $(patsubst daemon/%.c,build/daemon/%.o,$(wildcard daemon/*.c))

daemon: daemon/pshared

daemon/pshared: $(daemon_objects) $(shared_archive)
	$(say) LD $@
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $$(pkg-config --libs $(daemon_libs)) -lm

build/daemon/%.o: daemon/%.c
	$(say) CC $<
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) -Iuser -Ikmod $(CFLAGS) $(WARN) $$(pkg-config --cflags $(daemon_libs)) -c -o $@ $<

## Tests: selftests/*_test.c run in the test host, selftests/unit/*_test.c here, under sanitizers.

test_libs = libnl-genl-3.0 liburing json-c
test_objects := $(patsubst selftests/%.c,build/selftests/%.o,$(filter-out %_test.c,$(wildcard selftests/*.c)))
tests := $(patsubst selftests/%.c,build/selftests/%,$(wildcard selftests/*_test.c))
unit_objects := $(patsubst selftests/unit/%.c,build/unit/%.o,$(filter-out %_test.c,$(wildcard selftests/unit/*.c)))
unit_tests := $(patsubst selftests/unit/%.c,build/unit/%,$(wildcard selftests/unit/*_test.c))
guest_load := build/selftests/guest/load build/selftests/guest/hold-kvm
sanitize := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
kselftest := build/linux-source/kselftest_harness.h

tests: $(tests) $(guest_load)
unit-tests: $(unit_tests)

$(kselftest):
	$(Q)scripts/linux-source build/linux-source

$(tests): build/selftests/%: build/selftests/%.o $(test_objects)
	$(say) LD $@
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -pthread -o $@ $^ $$(pkg-config --libs $(test_libs))

build/selftests/%.o: selftests/%.c | $(kselftest)
	$(say) CC $<
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) $(WARN) -isystem build/linux-source -pthread $$(pkg-config --cflags $(test_libs)) -c -o $@ $<

# The benchmark runs in the test host, too.
bench_objects := $(patsubst selftests/%.c,build/selftests/%.o,$(wildcard selftests/bench/*.c))

build/selftests/bench/bench: $(bench_objects) $(test_objects)
	$(say) LD $@
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -pthread -o $@ $^ $$(pkg-config --libs $(test_libs))

# Parts of the module on this machine's processor.
native_objects := $(patsubst %.c,build/native/%.o,selftests/native/native.c kmod/vector.c kmod/compare.c kmod/fingerprint.c kmod/index.c)

build/native/native: $(native_objects)
	$(say) LD $@
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -pthread -o $@ $^

build/native/%.o: %.c
	$(say) CC "$< (native)"
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) -Ikmod $(CFLAGS) $(WARN) -pthread -c -o $@ $<

# Run where there are no libraries.
$(guest_load): build/selftests/guest/%: selftests/guest/%.c
	$(say) CC $<
	@mkdir -p $(@D)
	$(Q)$(CC) -O2 $(WARN) -static -o $@ $<

# What of the module builds in user space too, and command and daemon but their main(): an archive,
# from which a test takes what it uses.
unit_sources := kmod/vector.c kmod/compare.c kmod/fingerprint.c kmod/index.c kmod/knob_table.c \
	$(filter-out %/main.c,$(wildcard user/*.c daemon/*.c))
unit_archive := build/unit/units.a

$(unit_archive): $(patsubst %.c,build/unit/%.o,$(unit_sources))
	@mkdir -p $(@D) && rm -f $@
	$(Q)ar rcs $@ $^

$(unit_tests): build/unit/%: build/unit/%.o $(unit_objects) $(unit_archive)
	$(say) LD $@
	$(Q)$(CC) $(CFLAGS) $(sanitize) -pthread -o $@ $^ $$(pkg-config --libs $(daemon_libs)) -lm

# Threads are watched by ThreadSanitizer where it starts: under some settings of vm.mmap_rnd_bits
# it does not, or not always.
try_tsan = mkdir -p build/unit && \
	echo 'int main(void) { return 0; }' | $(CC) -fsanitize=thread -x c -o build/unit/try_tsan - && \
	for try in 1 2 3 4 5 6 7 8; do build/unit/try_tsan || exit; done && echo -fsanitize=thread
sanitize_else := $(sanitize)
sanitize_threads = $(eval sanitize_threads := $(or $(shell ($(try_tsan)) 2>/dev/null),$(sanitize_else)))$(sanitize_threads)
build/unit/index_threads_test build/unit/index_threads_test.o: private sanitize = $(sanitize_threads)

compile_unit = $(CC) $(CPPFLAGS) -I. -Idaemon -Iuser -Ikmod $(CFLAGS) $(sanitize) $(WARN) -isystem build/linux-source \
	-pthread $$(pkg-config --cflags $(daemon_libs)) -c -o $@ $<

build/unit/%.o: selftests/unit/%.c | $(kselftest)
	$(say) CC $<
	@mkdir -p $(@D)
	$(Q)$(compile_unit)

build/unit/%.o: %.c
	$(say) CC "$< (sanitized)"
	@mkdir -p $(@D)
	$(Q)$(compile_unit)

## Parsers under libFuzzer: selftests/fuzz/NAME_fuzz.c, with what it begins with in selftests/fuzz/NAME/.

FUZZ_RUNS ?= 100000
fuzzers := $(patsubst selftests/fuzz/%.c,build/fuzz/%,$(wildcard selftests/fuzz/*_fuzz.c))
fuzz_archive := build/fuzz/units.a
fuzz_sources := kmod/knob_table.c $(filter-out %/main.c,$(wildcard user/*.c daemon/*.c))
fuzz_compile = clang $(CPPFLAGS) -Idaemon -Iuser -Ikmod -O1 -g $(sanitize) -fsanitize=fuzzer-no-link $(WARN) \
	$$(pkg-config --cflags $(daemon_libs)) -c -o $@ $<

.PHONY: fuzz fuzzers $(fuzzers:build/fuzz/%_fuzz=fuzz-%)
fuzzers: $(fuzzers)
fuzz: $(fuzzers:build/fuzz/%_fuzz=fuzz-%)

# What it finds stays in build/fuzz/. What the target itself prints is of no interest.
$(fuzzers:build/fuzz/%_fuzz=fuzz-%): fuzz-%: build/fuzz/%_fuzz
	$(say) FUZZ $*
	@mkdir -p build/fuzz/corpus/$*
	$(Q)build/fuzz/$*_fuzz -runs=$(FUZZ_RUNS) -max_len=4096 -verbosity=0 -close_fd_mask=3 -artifact_prefix=build/fuzz/$*- \
		build/fuzz/corpus/$* $(wildcard selftests/fuzz/$*) >build/fuzz/$*.log 2>&1 || { cat build/fuzz/$*.log; false; }

$(fuzz_archive): $(patsubst %.c,build/fuzz/%.o,$(fuzz_sources))
	$(Q)rm -f $@ && ar rcs $@ $^

$(fuzzers): build/fuzz/%: build/fuzz/%.o $(fuzz_archive)
	$(say) LD $@
	$(Q)clang $(sanitize) -fsanitize=fuzzer -o $@ $^ $$(pkg-config --libs $(daemon_libs)) -lm

build/fuzz/%.o: selftests/fuzz/%.c
	$(say) CC $<
	@mkdir -p $(@D)
	$(Q)$(fuzz_compile)

build/fuzz/%.o: %.c
	$(say) CC "$< (fuzzed)"
	@mkdir -p $(@D)
	$(Q)$(fuzz_compile)

## What a person runs

deps:
	$(Q)scripts/deps

check:
	$(Q)scripts/deps --packages
	$(Q)scripts/check $(CHECK_KERNELS:%=--kernel %) $(if $(TEST),--test "$(TEST)") $(if $(filter 1,$(PARALLEL)),--parallel)

# Kernels that look for mistakes are slow: more memory and time for everything.
check-debug:
	$(Q)scripts/deps --debug
	$(Q)set -e; kernels=; for kernel in $(CHECK_KERNELS); do \
		kernels="$$kernels --kernel $$(scripts/debug-kernel $$kernel)"; \
	done; \
	scripts/check $$kernels $(if $(TEST),--test "$(TEST)") --host-only --limit 3600 --mem 4G

bench: deps
	$(Q)$(MAKE) $(CHECK_KERNELS:%=module-%) build/selftests/bench/bench $(guest_load)
	$(Q)scripts/bench $(CHECK_KERNELS:%=--kernel %) $(if $(SCANNER),--scanner $(SCANNER)) $(BENCH)

bench-native: build/native/native
	$(Q)build/native/native

demo: deps
	$(Q)scripts/demo $(or $(KERNEL),6.12)

shell: deps
	$(Q)$(MAKE) module-$(or $(KERNEL),6.12) command daemon tests
	$(Q)scripts/testhost shell --kernel $(or $(KERNEL),6.12) --guests

lint:
	$(Q)scripts/lint

clean:
	$(Q)rm -rf build kmod/pshare.ko user/pshare daemon/pshared

## Installation

sbindir = $(DESTDIR)$(PREFIX)/sbin
sharedir = $(DESTDIR)$(PREFIX)/share
confdir = $(DESTDIR)/etc/pshare
UNITDIR ?= $(PREFIX)/lib/systemd/system
unitdir = $(DESTDIR)$(UNITDIR)
modulesdir = $(DESTDIR)$(PREFIX)/lib/modules-load.d
completiondir = $(sharedir)/bash-completion/completions
install_release = $(call release_of,$(KDIR))
version = $(shell scripts/version)
spec := Documentation/netlink/specs/pshare.yaml
man_pages := $(wildcard Documentation/man/*.[1-9])
man_target = $(sharedir)/man/man$(subst .,,$(suffix $(1)))/$(notdir $(1))
schemas := $(wildcard Documentation/schemas/*.json)

install: install-module install-user

install-module: module
	$(Q)scripts/kbuild $(KDIR) build/$(install_release)/kmod modules_install DEPMOD=true \
		INSTALL_MOD_PATH=$(DESTDIR) INSTALL_MOD_DIR=updates CONFIG_MODULE_SIG_ALL=
	$(if $(DESTDIR),,$(Q)depmod $(install_release))

install-user: command daemon
	$(say) INSTALL "pshare, pshared"
	$(Q)install -D -m 755 -t $(sbindir) user/pshare daemon/pshared
	$(Q)install -d $(unitdir) $(completiondir)
	$(Q)sed 's,@sbindir@,$(PREFIX)/sbin,' daemon/pshared.service.in >$(unitdir)/pshared.service
	$(Q)user/pshare completion bash >$(completiondir)/pshare
	$(Q)chmod 644 $(unitdir)/pshared.service $(completiondir)/pshare
	$(Q)install -D -m 644 daemon/modules-load.conf $(modulesdir)/pshare.conf
	$(Q)install -D -m 644 -t $(sharedir)/pshare daemon/dashboard.json
	$(Q)[ -e $(confdir)/pshared.conf ] || install -D -m 644 -t $(confdir) daemon/pshared.conf
	$(Q)install -D -m 644 uapi/linux/pshare.h $(DESTDIR)$(PREFIX)/include/linux/pshare.h
	$(Q)install -D -m 644 $(spec) $(sharedir)/pshare/$(notdir $(spec))
	$(Q)install -D -m 644 -t $(sharedir)/pshare/schemas $(schemas)
	$(Q)$(foreach page,$(man_pages),install -D -m 644 $(page) $(call man_target,$(page));)
	$(Q)sed -i 's,/usr/local/,$(PREFIX)/,' $(foreach page,$(man_pages),$(call man_target,$(page)))

# Where dkms looks for it: `dkms install pshare/VERSION` is next.
install-source:
	$(say) INSTALL "source of the module"
	$(Q)scripts/sync kmod $(DESTDIR)/usr/src/pshare-$(version)/kmod
	$(Q)scripts/sync uapi $(DESTDIR)/usr/src/pshare-$(version)/uapi
	$(Q)install -m 644 dkms.conf $(DESTDIR)/usr/src/pshare-$(version)

uninstall:
	$(say) RM "pshare, pshared, pshare.ko"
	$(Q)rm -f $(DESTDIR)/lib/modules/$(install_release)/updates/pshare.ko*
	$(if $(DESTDIR),,$(Q)depmod $(install_release))
	$(Q)rm -f $(unitdir)/pshared.service $(modulesdir)/pshare.conf $(completiondir)/pshare
	$(Q)! cmp -s daemon/pshared.conf $(confdir)/pshared.conf || rm -f $(confdir)/pshared.conf
	$(Q)[ ! -d $(confdir) ] || rmdir --ignore-fail-on-non-empty $(confdir)
	$(Q)rm -f $(sbindir)/pshare $(sbindir)/pshared $(DESTDIR)$(PREFIX)/include/linux/pshare.h
	$(Q)rm -rf $(sharedir)/pshare
	$(Q)rm -f $(foreach page,$(man_pages),$(call man_target,$(page)))

## Debian packages

deb: deps
	$(Q)scripts/deb

check-packages:
	$(Q)scripts/deps --packages
	$(Q)scripts/package-test
	$(Q)set -e; for kernel in $(CHECK_KERNELS); do \
		scripts/unit-test --kernel $$kernel build/package-test/debs/old; \
	done

help:
	@echo 'Build'
	@echo '  make                     kmod/pshare.ko, user/pshare, daemon/pshared; for the running kernel or the newest headers'
	@echo '  make KDIR=DIRECTORY      for other kernel headers, /usr/src/linux-headers-VERSION'
	@echo '  make install, uninstall  with DESTDIR=, PREFIX=/usr/local'
	@echo '  make install-source      the source of the module for dkms, in /usr/src'
	@echo '  make deb                 Debian packages pshare and pshare-dkms, in build/deb/'
	@echo '  make clean'
	@echo 'Try it, in a virtual machine that needs no KVM'
	@echo '  make demo                three guests share their memory, in under 5 minutes'
	@echo '  make shell               a shell in the test host, KERNEL=6.1 or 6.12'
	@echo 'Test'
	@echo '  make check               everything, on both kernels; KERNEL=6.1 one, TEST=NAME one program,'
	@echo '                           PARALLEL=1 both kernels at once'
	@echo '  make check-debug         on kernels with KASAN, lockdep, kmemleak; builds them the first time'
	@echo '  make check-packages      installs, upgrades and removes the packages in a clean Debian root,'
	@echo '                           and runs the daemon under systemd in a virtual machine'
	@echo '  make bench               CPU time and savings beside ksmd; BENCH=NAME one workload, KERNEL=6.1'
	@echo '                           one kernel, SCANNER=pshare without ksmd'
	@echo '  make bench-native        fingerprint, lookup and compare on this processor, beside plain reading'
	@echo '  make fuzz                parsers under libFuzzer; FUZZ_RUNS=100000'
	@echo '  make lint                checkpatch, sparse, shellcheck'
	@echo 'Options'
	@echo '  V=1 shows the commands, WERROR=1 makes every warning an error'

FORCE:
-include $(wildcard build/user/*.d build/daemon/*.d build/kmod/*.d build/selftests/*.d build/unit/*.d build/unit/*/*.d build/fuzz/*.d build/fuzz/*/*.d \
	build/selftests/bench/*.d build/native/*/*.d build/native/selftests/native/*.d)
