# SPDX-License-Identifier: MIT
# The one door to everything that can be done here: `make help`.

BUILD ?= build
PREFIX ?= /usr/local
MESON ?= meson
# More for `meson setup` and `meson configure`, as MESON_OPTIONS=-Dwerror=true
MESON_OPTIONS ?=
# Which tests, as TESTS="spec-sim unit"; all by default
TESTS ?=
# Which programs make fuzz runs, as FUZZ="--minutes 10"
FUZZ ?= --seeds 1..100000

VERSION = $(shell sed -n "s/^ *version: '\(.*\)',/\1/p" meson.build)

export MESON

.PHONY: all help check demo gateway sanitize asan tsan valgrind check-aarch64 \
	tidy layers format clang clang-tidy abi docs bench torture fuzz \
	soak soak-spawn soak-tls install clean

# configure(folder, options): sets a build folder up, or changes the one there
define configure
	@if test ! -f $(1)/build.ninja; then \
	    $(MESON) setup $(1) $(2) $(MESON_OPTIONS); \
	elif test -n "$(MESON_OPTIONS)"; then \
	    $(MESON) configure $(1) $(MESON_OPTIONS); fi
endef

all:
	@tools/setup build
	$(call configure,$(BUILD),)
	@ninja -C $(BUILD)

help:
	@sed -n 's/^#: //p' Makefile

#: make                build library, examples and tests into build/
#: make demo           run build/examples/fetch against a server of its own
demo:
	@tools/setup build
	$(call configure,$(BUILD),)
	@ninja -C $(BUILD) examples/fetch src/layers.stamp
	@$(BUILD)/examples/fetch

#: make gateway        relay 10,000 clients on one thread, and look at each byte
gateway: all
	@GATEWAY_CLIENTS=10000 EXAMPLES=$(BUILD)/examples \
	    python3 tests/scenarios/gateway.py Gateway.test_all_clients_at_once

#: make check          build, run every test on every back end, tidy
check:
	@tools/setup check
	@$(MAKE) --no-print-directory all
	@tools/check $(BUILD) $(TESTS)

#: make sanitize       the tests under ASan and UBSan, then under TSan
sanitize: asan tsan

asan:
	@tools/setup build
	$(call configure,build-asan,-Db_sanitize=address,undefined)
	@ninja -C build-asan
	@SPEC_TIMEOUT_SCALE=3 tools/check build-asan --suite unit --suite spec \
	    --suite fuzz $(TESTS)

tsan:
	@tools/setup build
	$(call configure,build-tsan,-Db_sanitize=thread)
	@ninja -C build-tsan
	@SPEC_TIMEOUT_SCALE=5 tools/check build-tsan --suite unit --suite spec \
	    $(TESTS)

#: make valgrind       the tests under Valgrind
valgrind:
	@tools/setup valgrind
	$(call configure,build-valgrind,)
	@ninja -C build-valgrind
	@SPEC_TIMEOUT_SCALE=10 tools/check build-valgrind \
	    --timeout-multiplier 10 --wrap "$(CURDIR)/tools/valgrind" \
	    --suite unit --suite sim --suite epoll $(TESTS)

#: make check-aarch64  build for aarch64, and test under qemu
check-aarch64:
	@tools/setup aarch64
	$(call configure,build-aarch64,--cross-file tools/aarch64-linux-gnu.ini)
	@ninja -C build-aarch64
	@SPEC_TIMEOUT_SCALE=5 tools/check build-aarch64 \
	    --timeout-multiplier 5 --suite unit --suite sim --suite epoll $(TESTS)

#: make torture        of make check: every test for every fault it can meet
torture: all
	@tools/check $(BUILD) --suite torture $(TESTS)

# With TLS where there is an openssl(1) to make certificates.
#: make transfer       a gibibyte each way: TCP, Unix sockets, TLS
transfer: all
	@for backend in epoll uring; do \
	    echo "$$backend:"; \
	    ACIO_BACKEND=$$backend $(BUILD)/tests/transfer/transfer 1024 tcp unix \
	    $(patsubst %,tls=%,$(wildcard $(BUILD)/tests/tls/certificates)) || \
	    test $$? = 77 || exit 1; done

#: make fuzz           random programs against a model (docs/fuzzing.md)
fuzz: all
	@$(BUILD)/tests/fuzz/scheduler $(FUZZ)

# All at once would be no figures: one after the other.
#: make soak           much at once on each back end, and what is left of it
soak: all
	@tools/setup check
	@ninja -C $(BUILD)
	@tests/soak/soak.py $(BUILD) || test $$? = 77

#: make soak-spawn     20,000 subprocesses on every back end
soak-spawn: all
	@for backend in sim epoll uring; do \
	    ACIO_BACKEND=$$backend SOAK_SPAWNS=20000 SPEC_TIMEOUT_SCALE=60 \
	    $(BUILD)/tests/spec process_soak || exit 1; done

#: make soak-tls       ten thousand TLS connections at once, twice
soak-tls: all
	@tools/setup check
	@tests/tls/soak.py $(BUILD)/tests/tls/tls-soak \
	    $(BUILD)/tests/tls/certificates 10000

#: make bench          measure, in an optimised build of its own
bench:
	@tools/setup bench
	$(call configure,build-bench,-Dbench=true -Dtests=false)
	@ninja -C build-bench
	@$(MESON) test -C build-bench --benchmark --verbose

#: make tidy           check the rules of the house (tools/tidy)
tidy:
	@tools/setup tidy
	@tools/tidy

#: make layers         only: does an include point against the layers?
layers:
	@tools/tidy --layers

#: make format         rewrite FILES=... as clang-format would
format:
	@tools/setup tidy
	@clang-format -i --style=file $(FILES)

#: make clang          build with clang, into build-clang/
clang:
	@tools/setup clang-tidy
	@CC=clang $(MAKE) --no-print-directory BUILD=build-clang all

#: make clang-tidy     the static analysis of .clang-tidy
clang-tidy:
	@tools/setup clang-tidy
	@$(MAKE) --no-print-directory all
	@tools/clang-tidy $(BUILD)

#: make abi            write abi/acio.symbols anew from what is exported
abi: all
	@tools/abi --write $(BUILD) abi/acio.symbols

# Pages of members, which would hide open(2) and its like, are left out.
#: make docs           the reference, from the headers, into build/docs/
docs:
	@tools/setup docs
	@mkdir -p $(BUILD)/docs
	@ACIO_DOCS=$(BUILD)/docs ACIO_VERSION=$(VERSION) doxygen tools/doxyfile
	@find $(BUILD)/docs/man ! -name '*.h.3' ! -iname 'acio*' -type f -delete
	@echo "$(BUILD)/docs/html/index.html, and man -M $(BUILD)/docs/man acio_run"

#: make install        install below PREFIX (/usr/local), DESTDIR in front
install: all
	@$(MESON) configure $(BUILD) -Dprefix=$(PREFIX)
	@ninja -C $(BUILD)
	@$(MESON) install -C $(BUILD) --no-rebuild

#: make clean          remove what make has built
clean:
	rm -rf $(BUILD) build-asan build-tsan build-valgrind build-aarch64 \
	    build-bench build-clang
