# avmilter - a virus-scanning milter for Postfix and sendmail
#
#	make			build/avmilter, build/avmilter-scanner, build/avmilterctl
#	make demo		all set-up included: a real Postfix on loopback, a clean mail, an EICAR mail, both answers
#	make check		all set-up included: build and run every test; ends with "N passed, N failed, N skipped"
#	make bench		what it costs, side by side with other filters (never part of check; SCENARIO=name ROUNDS=n)
#	make install		into $(DESTDIR)$(PREFIX); make uninstall takes it away again, configuration and quarantine stay
#	make deb		a Debian package of this tree in build/deb (installs debhelper where it is missing)
#	make docs		write etc/avmilter.conf.sample and the generated sections of man/ anew from the tables
#	make lint		floors, headers that compile alone, generated files in step, style
#	make fuzz T=60		every fuzz target for T seconds (clang)
#	make clean
#
# Knobs:
#	SAN=address,undefined	or SAN=thread: a build of its own below build/
#	CC=clang		any C11 compiler; warnings are errors (ERR=0 to relent)
#	V=1			show the commands
#	DESTDIR= PREFIX=/usr/local SYSCONFDIR=/etc LIBEXECDIR=$(PREFIX)/libexec
#	TEST=pattern		only tests whose file name matches
#	ENGINE=name		only what tests that engine
#	FULL=1			the long runs of make check too

VERSION		:= 0.1.0
PREFIX		?= /usr/local
SBINDIR		?= $(PREFIX)/sbin
LIBEXECDIR	?= $(PREFIX)/libexec
SYSCONFDIR	?= /etc
MANDIR		?= $(PREFIX)/share/man
DOCDIR		?= $(PREFIX)/share/doc/avmilter
UNITDIR		?= $(PREFIX)/lib/systemd/system

CC		?= gcc
comma		:= ,
BUILD		?= build$(if $(SAN),/san-$(subst $(comma),-,$(SAN)))$(if $(filter clang%,$(notdir $(CC))),$(if $(SAN),,/clang))
Q		:= $(if $(V),,@)
say		= $(if $(V),,@printf '  %-7s %s\n' $(1) $(2);)

PKGS_FRONT	:= glib-2.0 gthread-2.0 libssl libcrypto libconfuse jansson libpcre2-8 hiredis libmicrohttpd
PKGS_SCANNER	:= glib-2.0 gmime-3.0 libclamav libseccomp libcrypto libpcre2-8 zlib lua5.4
SYSTEMD_CFLAGS	:= $(shell pkg-config --exists libsystemd && printf -- '-DHAVE_SYSTEMD %s' "$$(pkg-config --cflags libsystemd)")
SYSTEMD_LIBS	:= $(shell pkg-config --libs libsystemd 2>/dev/null)
PKG_CFLAGS	:= $(shell pkg-config --cflags $(sort $(PKGS_FRONT) $(PKGS_SCANNER)) 2>/dev/null)
FRONT_LIBS	= $(shell pkg-config --libs $(PKGS_FRONT)) $(SYSTEMD_LIBS) -lmilter -lpthread
SCANNER_LIBS	= $(shell pkg-config --libs $(PKGS_SCANNER)) -lpthread
CTL_LIBS	= $(shell pkg-config --libs glib-2.0 libcrypto libconfuse jansson libpcre2-8) -lpthread

WARN		:= -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wcast-qual -Wformat=2 -Wvla -Wundef \
		   -Wwrite-strings -Wpointer-arith -fno-common $(if $(filter 0,$(ERR)),,-Werror)
HARDEN		:= -fPIE -fstack-protector-strong -fstack-clash-protection $(if $(SAN),,-D_FORTIFY_SOURCE=2) \
		   $(if $(filter x86_64,$(shell uname -m)),-fcf-protection)
# What the sanitizers are documented with, and quicker to compile.
OPT		?= $(if $(SAN),-O1,-O2)
SANFLAGS	:= $(if $(SAN),-fsanitize=$(SAN) -fno-sanitize-recover=all -fno-omit-frame-pointer -DAVM_SANITIZED)
CPPFLAGS_ALL	= -std=gnu11 -D_GNU_SOURCE -Isrc -isystem/usr/include -DAVM_VERSION='"$(VERSION)"' $(PKG_CFLAGS) $(SYSTEMD_CFLAGS) $(CPPFLAGS)
CFLAGS_ALL	= $(OPT) -g $(WARN) $(HARDEN) $(SANFLAGS) -pthread $(CFLAGS)
PATHS		= -DLIBEXECDIR='"$(LIBEXECDIR)"' -DSYSCONFDIR='"$(SYSCONFDIR)"'
LDFLAGS_ALL	= -pie -Wl,-z,relro,-z,now,-z,noexecstack -Wl,--as-needed $(SANFLAGS) $(LDFLAGS)

FRONT_FLOORS	:= base verdict conf message worker engine scan policy script effect milter control daemon
# The scanner takes of base only what it needs: the program that reads mail shall not even contain sockets and TLS.
SCANNER_BASE	:= digest fsx
SCANNER_FLOORS	:= verdict scanner lua
CTL_FLOORS	:= verdict conf ctl
CTL_BASE	:= deadline digest endpoint fsx log program

srcs		= $(foreach f,$(1),$(sort $(wildcard src/$(f)/*.c)))
objs		= $(patsubst src/%.c,$(BUILD)/obj/%.o,$(call srcs,$(1)))
FRONT_OBJS	:= $(call objs,$(FRONT_FLOORS))
SCANNER_OBJS	:= $(SCANNER_BASE:%=$(BUILD)/obj/base/%.o) $(call objs,$(SCANNER_FLOORS))
CTL_OBJS	:= $(CTL_BASE:%=$(BUILD)/obj/base/%.o) $(call objs,$(CTL_FLOORS)) $(BUILD)/obj/control/protocol.o
FRONT_LIB	:= $(filter-out $(BUILD)/obj/daemon/main.o,$(FRONT_OBJS))
SCANNER_LIB	:= $(filter-out $(BUILD)/obj/scanner/main.o,$(SCANNER_OBJS))

PROGRAMS	:= $(BUILD)/avmilter $(BUILD)/avmilter-scanner $(BUILD)/avmilterctl

all: $(PROGRAMS)

help:
	@sed -n '3,/^$$/s/^#//p' Makefile

$(BUILD)/avmilter: $(FRONT_OBJS)
	$(call say,LINK,$@) $(CC) $(LDFLAGS_ALL) -o $@ $^ $(FRONT_LIBS)

$(BUILD)/avmilter-scanner: $(SCANNER_OBJS)
	$(call say,LINK,$@) $(CC) $(LDFLAGS_ALL) -o $@ $^ $(SCANNER_LIBS)

$(BUILD)/avmilterctl: $(CTL_OBJS)
	$(call say,LINK,$@) $(CC) $(LDFLAGS_ALL) -o $@ $^ $(CTL_LIBS)

# Every file of ours sees base/banned.h first: the functions it names do not compile. The flags file rebuilds what a changed
# knob touches. Few files know the paths of the installation: make install with another PREFIX than make had compiles these only.
PATH_OBJS	:= $(patsubst %,$(BUILD)/obj/%.o,conf/option ctl/main daemon/generation daemon/options)
$(PATH_OBJS): FILE_CPPFLAGS = $(PATHS)
$(PATH_OBJS): $(BUILD)/paths

$(BUILD)/obj/%.o: src/%.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(call say,CC,$<) $(CC) $(CPPFLAGS_ALL) $(FILE_CPPFLAGS) $(CFLAGS_ALL) -include base/banned.h -MMD -MP -c -o $@ $<

# A file with these words, touched only when they change.
remember	= @mkdir -p $(@D) && words='$(subst ','\'',$(1))' && \
		  { printf '%s\n' "$$words" | cmp -s - $@ || printf '%s\n' "$$words" > $@; }

$(BUILD)/flags: FORCE
	$(call remember,$(CC) $(CPPFLAGS_ALL) $(CFLAGS_ALL) $(LDFLAGS_ALL))

$(BUILD)/paths: FORCE
	$(call remember,$(PATHS) $(SBINDIR))

print-flags:
	@printf '%s\n' '$(CC) $(CPPFLAGS_ALL) $(PATHS) $(CFLAGS_ALL)' '$(LDFLAGS_ALL)'

# Unit tests: one program for each tests/unit/test_*.c (against the front) and tests/unit/scanner/test_*.c (against the
# scanner); tools: tests/tools/*.c, small programs that the tests and the benchmark run.
UNIT_TESTS	:= $(patsubst tests/unit/%.c,$(BUILD)/tests/%,$(wildcard tests/unit/test_*.c))
SCANNER_TESTS	:= $(patsubst tests/unit/scanner/%.c,$(BUILD)/tests/scanner/%,$(wildcard tests/unit/scanner/test_*.c))
TOOLS		:= $(patsubst tests/tools/%.c,$(BUILD)/tests/tools/%,$(wildcard tests/tools/*.c))
TEST_CFLAGS	= $(CPPFLAGS_ALL) $(PATHS) $(filter-out -Wmissing-prototypes,$(CFLAGS_ALL)) -Itests/lib -MMD -MP

$(UNIT_TESTS): $(BUILD)/tests/%: tests/unit/%.c $(FRONT_LIB)
	@mkdir -p $(@D)
	$(call say,TEST,$<) $(CC) $(TEST_CFLAGS) $(LDFLAGS_ALL) -o $@ $< $(FRONT_LIB) $(FRONT_LIBS) -lcmocka

$(SCANNER_TESTS): $(BUILD)/tests/scanner/%: tests/unit/scanner/%.c $(SCANNER_LIB)
	@mkdir -p $(@D)
	$(call say,TEST,$<) $(CC) $(TEST_CFLAGS) $(LDFLAGS_ALL) -o $@ $< $(SCANNER_LIB) $(SCANNER_LIBS) -lcmocka

$(TOOLS): $(BUILD)/tests/tools/%: tests/tools/%.c $(FRONT_LIB)
	@mkdir -p $(@D)
	$(call say,TOOL,$<) $(CC) $(TEST_CFLAGS) $(LDFLAGS_ALL) -o $@ $< $(FRONT_LIB) $(FRONT_LIBS)

# The fuzz targets without a fuzzer: tests/e2e/fuzz.py runs them over seeds and regressions.
REPLAYS		:= $(patsubst tests/fuzz/%.c,$(BUILD)/tests/fuzz/%,$(wildcard tests/fuzz/fuzz_*.c))
SCANNER_REPLAYS	:= $(patsubst tests/fuzz/scanner/%.c,$(BUILD)/tests/fuzz/%,$(wildcard tests/fuzz/scanner/fuzz_*.c))

$(REPLAYS): $(BUILD)/tests/fuzz/%: tests/fuzz/%.c tests/fuzz/replay.c $(FRONT_LIB)
	@mkdir -p $(@D)
	$(call say,TEST,$<) $(CC) $(filter-out -MMD -MP,$(TEST_CFLAGS)) $(LDFLAGS_ALL) -o $@ $< tests/fuzz/replay.c $(FRONT_LIB) $(FRONT_LIBS)

$(SCANNER_REPLAYS): $(BUILD)/tests/fuzz/%: tests/fuzz/scanner/%.c tests/fuzz/replay.c $(SCANNER_LIB)
	@mkdir -p $(@D)
	$(call say,TEST,$<) $(CC) $(filter-out -MMD -MP,$(TEST_CFLAGS)) $(LDFLAGS_ALL) -o $@ $< tests/fuzz/replay.c $(SCANNER_LIB) $(SCANNER_LIBS)

tests: all $(UNIT_TESTS) $(SCANNER_TESTS) $(TOOLS) $(if $(filter thread,$(SAN)),,$(REPLAYS) $(SCANNER_REPLAYS))

check:
	@scripts/install-deps test
	@tests/run $(if $(ENGINE),-e $(ENGINE))

demo:
	@scripts/install-deps demo
	@$(MAKE) --no-print-directory all
	@scripts/demo

bench:
	@scripts/install-deps bench
	@$(MAKE) --no-print-directory all $(BUILD)/tests/tools/mload $(BUILD)/tests/tools/accept_milter
	@tests/bench/run $(if $(SCENARIO),-s $(SCENARIO)) $(if $(ROUNDS),-r $(ROUNDS))

lint:
	@scripts/lint

# Fuzz targets: tests/fuzz/fuzz_*.c and tests/fuzz/scanner/fuzz_*.c with seeds and dictionary in tests/fuzz/seeds/NAME; front and
# scanner instrumented by clang.
FUZZERS		:= $(patsubst tests/fuzz/%.c,$(BUILD)/fuzz/%,$(wildcard tests/fuzz/fuzz_*.c))

$(FUZZERS): $(BUILD)/fuzz/%: tests/fuzz/%.c $(FRONT_LIB)
	@mkdir -p $(@D)
	$(call say,FUZZ,$<) $(CC) $(TEST_CFLAGS) $(LDFLAGS_ALL) -fsanitize=fuzzer -o $@ $< $(FRONT_LIB) $(FRONT_LIBS)

SCANNER_FUZZERS	:= $(patsubst tests/fuzz/scanner/%.c,$(BUILD)/fuzz/%,$(wildcard tests/fuzz/scanner/fuzz_*.c))

$(SCANNER_FUZZERS): $(BUILD)/fuzz/%: tests/fuzz/scanner/%.c $(SCANNER_LIB)
	@mkdir -p $(@D)
	$(call say,FUZZ,$<) $(CC) $(TEST_CFLAGS) $(LDFLAGS_ALL) -fsanitize=fuzzer -o $@ $< $(SCANNER_LIB) $(SCANNER_LIBS)

fuzzers: $(FUZZERS) $(SCANNER_FUZZERS)

fuzz:
	@$(MAKE) --no-print-directory CC=clang SAN=address,undefined OPT=-O2 CFLAGS=-fsanitize=fuzzer-no-link BUILD=build/fuzz fuzzers
	@scripts/fuzz build/fuzz/fuzz $(or $(T),60)

docs: $(BUILD)/tests/tools/confdoc
	@BUILD=$(BUILD) scripts/check-docs --write

# The unit, with the paths of this installation.
$(BUILD)/avmilter.service: contrib/systemd/avmilter.service $(BUILD)/paths
	$(Q)sed 's|/usr/sbin/|$(SBINDIR)/|; s|/etc/avmilter/|$(SYSCONFDIR)/avmilter/|' $< > $@

ETC		= $(DESTDIR)$(SYSCONFDIR)/avmilter

install: all $(BUILD)/avmilter.service
	install -d $(DESTDIR)$(SBINDIR) $(DESTDIR)$(LIBEXECDIR)/avmilter $(DESTDIR)$(MANDIR)/man5 $(DESTDIR)$(MANDIR)/man8 \
	    $(DESTDIR)$(DOCDIR) $(DESTDIR)$(UNITDIR) $(ETC)
	install -m 755 $(BUILD)/avmilter $(BUILD)/avmilterctl $(DESTDIR)$(SBINDIR)
	install -m 755 $(BUILD)/avmilter-scanner $(DESTDIR)$(LIBEXECDIR)/avmilter
	install -m 644 man/*.5 $(DESTDIR)$(MANDIR)/man5
	install -m 644 man/*.8 $(DESTDIR)$(MANDIR)/man8
	install -m 644 README ChangeLog LICENSE SECURITY etc/avmilter.conf.sample etc/avmilter.messages.sample \
	    $(DESTDIR)$(DOCDIR)
	cp -r contrib $(DESTDIR)$(DOCDIR)
	install -m 644 $(BUILD)/avmilter.service $(DESTDIR)$(UNITDIR)
	test -e $(ETC)/avmilter.conf || install -m 644 etc/avmilter.conf $(ETC)

# Takes away what install has brought, except configuration and mail: $(ETC) and /var/spool/avmilter stay.
uninstall:
	rm -f $(DESTDIR)$(SBINDIR)/avmilter $(DESTDIR)$(SBINDIR)/avmilterctl $(DESTDIR)$(UNITDIR)/avmilter.service
	rm -f $(patsubst man/%,$(DESTDIR)$(MANDIR)/man5/%,$(wildcard man/*.5)) $(patsubst man/%,$(DESTDIR)$(MANDIR)/man8/%,$(wildcard man/*.8))
	rm -rf $(DESTDIR)$(LIBEXECDIR)/avmilter $(DESTDIR)$(DOCDIR)

# A Debian package: the tree is copied, because debian/ has to stand at its top and the build shall not touch ours.
DEB		= build/deb/avmilter-$(VERSION)

deb:
	@scripts/install-deps deb
	@rm -rf build/deb && mkdir -p $(DEB)
	@tar -c --exclude=./build --exclude=./.git . | tar -x -C $(DEB) && cp -r contrib/debian $(DEB)/debian
	@cd $(DEB) && dpkg-buildpackage -b -us -uc -j2 > ../build.log 2>&1 || { tail -40 ../build.log; exit 1; }
	@rm -rf $(DEB) && ls build/deb/*.deb

FORCE:

.PHONY: all help print-flags tests check demo lint bench deb docs install uninstall fuzz fuzzers clean FORCE
.DELETE_ON_ERROR:

clean:
	rm -rf build

-include $(shell find $(BUILD)/obj $(BUILD)/tests -type f -name '*.d' 2>/dev/null)
