# make            build/moonkeep (installs what is missing first)
# make dev        build and serve examples/counter at http://127.0.0.1:8787
# make test       build, lint the floors, run every spec
# make asan tsan  the specs under the sanitizers
# make bench      the figures of spec/bench, each beside its yardstick
# make lint format clean deps

PACKAGES = gcc make pkg-config liblua5.4-dev libuv1-dev libsqlite3-dev \
           node-llhttp libmsgpack-dev lua-cjson-dev liblz4-dev libxxhash-dev \
           libssl-dev uthash-dev libjemalloc-dev zlib1g-dev \
           libcurl4-openssl-dev lua5.4 lua-busted lua-socket lua-check curl \
           sqlite3
LINT_PACKAGES  = clang clang-format clang-tidy
TEST_PACKAGES  = zsh nginx-light caddy openssl python3-websockets chromium \
                 $(if $(shell command -v npm),,nodejs npm)
ASAN_PACKAGES  = clang libclang-rt-14-dev
BENCH_PACKAGES = wrk nginx-light libnginx-mod-http-lua redis-server redis-tools

CC    ?= gcc
BUILD ?= build
OPT   ?= -O2 -g
# What gcc cannot see through longjmp-free code paths is an error as well.
WARN = -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wstrict-prototypes \
       -Wmissing-prototypes -Wundef -Wimplicit-fallthrough -Werror
BASE = -std=c11 -D_GNU_SOURCE -fPIC -fno-semantic-interposition -pthread \
       -Iruntime -I. \
       -I/usr/include/lua5.4 -I/usr/share/include/llhttp $(OPT) $(SAN)
LIBS = -l:liblua5.4.a -l:libuv_a.a -l:libsqlite3.a -l:libmsgpackc.a \
       -l:liblz4.a -l:libxxhash.a -l:libcrypto.a -l:libz.a -lm -ldl -lpthread
# The program's allocator; sanitizers bring their own.
MALLOC = $(if $(SAN),,$(BUILD)/runtime/cli/malloc_conf.o -l:libjemalloc.a)
# What a sanitizer has to be told of the program.
TOLD   = $(if $(findstring thread,$(SAN)),$(BUILD)/spec/support/tsan_longjmp.o)
# Modules for the specs: the Lua that runs them brings the Lua library;
# each has its own SQLite, bound to it alone.
SPEC_LIBS = -Wl,-Bsymbolic -luv \
            $(filter-out -l:liblua5.4.a -l:libuv_a.a,$(LIBS))

FLOORS   = runtime/base runtime/wire runtime/store runtime/vm runtime/net \
           runtime/object bindings runtime/host runtime/cli
SOURCES  = $(sort $(foreach floor,$(FLOORS),$(wildcard $(floor)/*.c)))
LUA      = $(sort $(wildcard lua/*.lua))
LUA_TEST = $(sort $(wildcard lua/test/*.lua))
LUA_CHECK = $(sort $(wildcard lua/check/*.lua))
LUA_LIBRARY = $(sort $(wildcard lua/library/*.lua))
LUA_CONSOLE = $(sort $(wildcard lua/console/*))
TEMPLATES = $(sort $(shell find lua/templates -mindepth 2 -type f))
LLHTTP   = $(addprefix $(BUILD)/llhttp/,api.o http.o llhttp.o)
LIBRARY  = $(BUILD)/libmoonkeep.a
MAIN     = $(BUILD)/runtime/cli/main.o
PROGRAM  = $(MAIN) $(BUILD)/runtime/cli/malloc_conf.o
OBJECTS  = $(filter-out $(PROGRAM),$(SOURCES:%.c=$(BUILD)/%.o)) \
           $(addprefix $(BUILD)/gen/embedded,.o _test.o _check.o _library.o \
             _console.o _template.o) $(LLHTTP)
HOSTTEST = $(patsubst spec/support/%.c,$(BUILD)/spec/%.so,\
             $(wildcard spec/support/hosttest_*.c))
TOOLS    = $(patsubst spec/support/%.c,$(BUILD)/spec/%,\
             $(wildcard spec/support/tool_*.c))
BENCH    = $(patsubst spec/bench/ws_%.c,$(BUILD)/bench/ws_%,\
             $(wildcard spec/bench/ws_*.c))

.PHONY: all deps dev test unit asan tsan lint format bench clean specs node
.SECONDARY:

all: deps
	@$(MAKE) --no-print-directory $(BUILD)/moonkeep

# Asks dpkg, so that nothing is downloaded when all is there.
deps:
	@missing=; for p in $(PACKAGES) $(EXTRA_PACKAGES); do \
	  dpkg -s $$p >/dev/null 2>&1 || missing="$$missing $$p"; done; \
	if [ -n "$$missing" ]; then echo "installing$$missing"; \
	  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install \
	  -y -qq --no-install-recommends $$missing >/dev/null; fi

# Exports its Lua, for the C modules of specs, and nothing else.
$(BUILD)/moonkeep: $(PROGRAM) $(TOLD) $(LIBRARY) runtime/cli/lua.symbols
	@echo "  LD $@"
	@$(CC) $(OPT) $(SAN) -pthread -Wl,--dynamic-list=runtime/cli/lua.symbols \
	  -o $@ $(MAIN) $(TOLD) $(LIBRARY) $(MALLOC) $(LIBS)

$(LIBRARY): $(OBJECTS)
	@rm -f $@
	@ar rcs $@ $(OBJECTS)

$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	@echo "  CC $<"
	@$(CC) $(BASE) $(WARN) -MMD -MP -c -o $@ $<

$(BUILD)/llhttp/%.o: /usr/share/llhttp/%.c
	@mkdir -p $(@D)
	@$(CC) $(BASE) -Wno-unused -c -o $@ $<

# The Lua files that every state may load, as bytes in the program.
$(BUILD)/gen/embedded.c: $(LUA) lua/tool/embed.lua
	@mkdir -p $(@D)
	@lua5.4 lua/tool/embed.lua embedded_files $(LUA) > $@.tmp && mv $@.tmp $@

# What `moonkeep new` writes.
$(BUILD)/gen/embedded_template.c: $(TEMPLATES) lua/tool/embed.lua
	@mkdir -p $(@D)
	@lua5.4 lua/tool/embed.lua --tree lua/templates/ \
	  embedded_template_files $(TEMPLATES) > $@.tmp && mv $@.tmp $@

# Those of the module moonkeep.test, of moonkeep check, of the console, and the
# annotations, which no script sees.
$(BUILD)/gen/embedded_test.c: $(LUA_TEST)
$(BUILD)/gen/embedded_check.c: $(LUA_CHECK)
$(BUILD)/gen/embedded_library.c: $(LUA_LIBRARY)
$(BUILD)/gen/embedded_console.c: $(LUA_CONSOLE)
$(BUILD)/gen/embedded_%.c: lua/tool/embed.lua
	@mkdir -p $(@D)
	@lua5.4 lua/tool/embed.lua embedded_$*_files $(filter-out $<,$^) > $@.tmp \
	  && mv $@.tmp $@

$(BUILD)/gen/%.o: $(BUILD)/gen/%.c
	@$(CC) $(BASE) $(WARN) -c -o $@ $<

$(BUILD)/spec/%.so: spec/support/%.c $(LIBRARY)
	@mkdir -p $(@D)
	@echo "  LD $@"
	@$(CC) $(BASE) $(WARN) -shared -o $@ $< $(LIBRARY) $(SPEC_LIBS)

$(BUILD)/preload_once.so: spec/support/preload_once.c
	@mkdir -p $(@D)
	@$(CC) -std=c11 -D_GNU_SOURCE -fPIC $(WARN) -shared -o $@ $<

$(BUILD)/spec/tool_%: spec/support/tool_%.c $(LIBRARY)
	@mkdir -p $(@D)
	@echo "  LD $@"
	@$(CC) $(BASE) $(WARN) -o $@ $< $(LIBRARY) $(LIBS)

$(BUILD)/bench/ws_%: spec/bench/ws_%.c $(LIBRARY)
	@mkdir -p $(@D)
	@echo "  LD $@"
	@$(CC) $(BASE) $(WARN) -o $@ $< $(LIBRARY) $(LIBS)

# The module moonkeep.test for specs that busted runs by itself.
$(BUILD)/spec/moonkeep/test.so: $(LIBRARY)
	@mkdir -p $(@D)
	@echo "  LD $@"
	@$(CC) $(BASE) $(WARN) -shared -o $@ -Wl,-u,luaopen_moonkeep_test \
	  $(LIBRARY) $(SPEC_LIBS)

specs: $(BUILD)/moonkeep $(HOSTTEST) $(TOOLS) $(BUILD)/spec/moonkeep/test.so

# What the specs run in Node.  Those that need what cannot be had are pending.
NPM_FLAGS = --no-package-lock --no-audit --no-fund --ignore-scripts \
            --loglevel=error --fetch-retries=1
node: $(BUILD)/node/installed
$(BUILD)/node/installed: spec/support/node/package.json
	@mkdir -p $(@D) && cp $< $(@D)
	@cd $(@D) && if timeout 120 npm install $(NPM_FLAGS) >npm.log 2>&1; \
	  then touch installed; else tail -n 3 npm.log; \
	  echo "npm install failed: some specs will be pending"; fi

dev: all
	$(BUILD)/moonkeep dev examples/counter

# The specs find the build they drive in MOONKEEP_BUILD.
test:
	@$(MAKE) --no-print-directory deps EXTRA_PACKAGES="$(TEST_PACKAGES)"
	@$(MAKE) --no-print-directory specs node
	MOONKEEP_BUILD=$(BUILD) LUA_CPATH="$(BUILD)/spec/?.so;;" \
	  $(if $(ARGS),,spec/support/lanes.sh) busted --lua=lua5.4 $(ARGS)

asan:
	@$(MAKE) --no-print-directory deps EXTRA_PACKAGES="$(TEST_PACKAGES) $(ASAN_PACKAGES)"
	$(MAKE) --no-print-directory BUILD=build-asan specs node \
	  build-asan/preload_once.so \
	  SAN="-fsanitize=address,undefined -fno-omit-frame-pointer" OPT="-O1 -g"
	MOONKEEP_BUILD=build-asan LUA_CPATH="build-asan/spec/?.so;;" \
	  LD_PRELOAD="$$(gcc -print-file-name=libasan.so) $$(gcc -print-file-name=libubsan.so) $(CURDIR)/build-asan/preload_once.so" \
	  ASAN_OPTIONS=detect_leaks=0:abort_on_error=1 \
	  UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1 \
	  lua5.4 $$(command -v busted) --ignore-lua $(ARGS)

tsan:
	@$(MAKE) --no-print-directory deps
	@$(MAKE) --no-print-directory specs
	$(MAKE) --no-print-directory BUILD=build-tsan build-tsan/moonkeep \
	  build-tsan/spec/tool_storethreads SAN="-fsanitize=thread" OPT="-O1 -g"
	MOONKEEP_BUILD=build-tsan MOONKEEP_TSAN=1 \
	  TSAN_OPTIONS="halt_on_error=1 suppressions=$(CURDIR)/spec/support/tsan.supp" \
	  LUA_CPATH="build/spec/?.so;;" \
	  busted --lua=lua5.4 --tags=threads $(ARGS)

# What clang-tidy passed is looked at again when it, or a header of it, changes.
lint:
	@$(MAKE) --no-print-directory deps EXTRA_PACKAGES="$(LINT_PACKAGES)"
	clang-format --dry-run -Werror $$(git ls-files '*.c' '*.h')
	luacheck --quiet lua examples spec
	@$(MAKE) --no-print-directory -j$(shell nproc) CC=clang BUILD=build-clang \
	  build-clang/moonkeep
	@$(MAKE) --no-print-directory -j$(shell nproc) -k CC=clang \
	  BUILD=build-clang $(SOURCES:%.c=build-clang/%.tidy)

$(BUILD)/%.tidy: %.c $(BUILD)/%.o .clang-tidy
	@echo "  TIDY $<"
	@clang-tidy --quiet $< -- $(BASE) 2>$@.log || { cat $@.log; exit 1; }
	@touch $@

format:
	clang-format -i $$(git ls-files -co --exclude-standard '*.c' '*.h')

bench:
	@$(MAKE) --no-print-directory deps EXTRA_PACKAGES="$(BENCH_PACKAGES)"
	@$(MAKE) --no-print-directory $(BUILD)/moonkeep $(BENCH)
	MOONKEEP_BUILD=$(BUILD) lua5.4 spec/bench/run.lua $(ARGS)

clean:
	rm -rf build build-asan build-tsan build-clang

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
