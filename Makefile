# make, make install and make installcheck work as PGXS's do:
#   make PG_CONFIG=/path/to/pg_config && sudo make install PG_CONFIG=/path/to/pg_config
# make demo, make app and make test need nothing but Debian and Rust; they install what is missing.

PG_CONFIG ?= pg_config
PROFILE   ?= release
# demo, app, test and bench run on a server of this version below target/; pg_test/tools/servers says where from.
PG_MAJOR  ?= 15
export PG_MAJOR
DESTDIR   ?=

EXTENSION := better_auth

SOURCES := Cargo.toml Cargo.lock $(EXTENSION).control $(wildcard .cargo/config.toml) \
           $(shell find src sql -type f 2>/dev/null)
PACKAGE := target/package/$(shell $(PG_CONFIG) --version 2>/dev/null | sed 's/^PostgreSQL \([0-9]*\).*/pg\1/')-$(PROFILE)

.PHONY: all install uninstall installcheck demo app test soak bench clean help
.DEFAULT_GOAL := all

all: $(PACKAGE)/done  ## build the extension for PG_CONFIG's server

# The stamp lets `sudo make install` after `make` do without cargo.
$(PACKAGE)/done: $(SOURCES)
	pg_test/tools/package $(PG_CONFIG) $(PACKAGE) $(PROFILE)
	touch $@

install: all  ## install it into PG_CONFIG's server (DESTDIR is honoured)
	install -d '$(DESTDIR)$(shell $(PG_CONFIG) --pkglibdir)' '$(DESTDIR)$(shell $(PG_CONFIG) --sharedir)/extension'
	install -m 755 $(PACKAGE)/lib/* '$(DESTDIR)$(shell $(PG_CONFIG) --pkglibdir)/'
	install -m 644 $(PACKAGE)/extension/* '$(DESTDIR)$(shell $(PG_CONFIG) --sharedir)/extension/'

uninstall:  ## take it out again
	rm -f '$(DESTDIR)$(shell $(PG_CONFIG) --pkglibdir)/$(EXTENSION).so' \
	    '$(DESTDIR)$(shell $(PG_CONFIG) --sharedir)/extension/$(EXTENSION).control' \
	    '$(DESTDIR)$(shell $(PG_CONFIG) --sharedir)/extension/$(EXTENSION)'--*.sql

installcheck:  ## run pg_test/regress against the running server of PGHOST and PGPORT
	pg_test/tools/installcheck $(PG_CONFIG) $(REGRESS)

demo:  ## sign-up, sign-in, bridge token and row level security on a throwaway server (KEEP=1 keeps it)
	@exec env KEEP='$(KEEP)' pg_test/demo/run

app:  ## the demo app on a throwaway server until Ctrl-C (PORT=3000, POSTGREST=/path/to/postgrest)
	@exec env PORT='$(PORT)' POSTGREST='$(POSTGREST)' pg_test/tools/app

test:  ## every test on throwaway servers (ONLY="unit regress server interop browser", PG_MAJOR=13 ... 18)
	@exec pg_test/tools/run $(ONLY)

soak:  ## 3000 generated SELECTs and as many writes, compared (SEED=1 QUERIES=3000)
	@exec pg_test/tools/soak $(SEED) $(QUERIES)

bench:  ## the benchmarks, on a throwaway server
	@exec pg_test/tools/bench

clean:  ## remove everything that was built
	rm -rf target

help:  ## this list
	@sed -n 's/^\([a-z]*\):.*  ## /\1\t/p' $(firstword $(MAKEFILE_LIST)) | expand -t 14
