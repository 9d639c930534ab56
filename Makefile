# lossbench: one Makefile. `make help` lists what it can do.

VERSION := 0.1.0

# --- what to run: make experiments PROFILE=quick LOSS=focal -------------------------------------------------------
PROFILE ?= standard
ONLY    ?=
LOSS    ?=
DATASET ?=
JOBS    ?= $(shell nproc 2>/dev/null || echo 1)
# Where everything is written. A run narrowed by ONLY, LOSS or DATASET goes elsewhere, so that no partial table replaces a whole one.
OUT     ?= $(if $(strip $(ONLY)$(LOSS)$(DATASET)),build/$(PROFILE)-partial,$(if $(filter standard,$(PROFILE)),.,build/$(PROFILE)))
DATASETS ?= datasets/public/cache:../shared/datasets
BUILD   ?= build
Q       := $(if $(filter 1,$(V)),,@)

# --- compiler -----------------------------------------------------------------------------------------------------
# ARCH is the baseline every file is built for; wider kernels are chosen when the program starts.
# ARCH=portable builds without any (fused multiply-adds through fma()): same bits, slower.
OBJCOPY ?= objcopy
MACHINE := $(shell uname -m)
ARCH ?= $(if $(and $(filter x86_64,$(MACHINE)),$(shell grep -m1 -w avx2 /proc/cpuinfo | grep -w fma)),x86-64-v3,portable)
ARCHFLAGS := $(if $(filter portable,$(ARCH)),,-march=$(ARCH))
WIDEFLAGS := $(if $(filter portable,$(ARCH)),,-mavx512f -mavx512vl -mavx512bw -mavx512dq)
OPT ?= -O3
WARNINGS := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes -Wdouble-promotion \
            $(if $(findstring clang,$(CC)),,-Wno-format-truncation) $(if $(WERROR),-Werror)
TESTFLAGS := -Wno-conversion# the macros of Criterion 2.4 convert
CPPFLAGS += -I. -D_POSIX_C_SOURCE=200809L -D_DEFAULT_SOURCE
CFLAGS ?= -g
ALLFLAGS = -std=gnu11 $(OPT) -ffp-contract=off -fno-math-errno $(ARCHFLAGS) $(WARNINGS) $(CFLAGS) $(SANITIZE)
LDLIBS = -ltiff -ljpeg -lpng -lexpat -lgsl -lgslcblas -lsqlite3 -linih -ljansson -ldl -lm

# --- sources: every .c file of a module belongs to it ---------------------------------------------------------------
MODULES := experiments/harness experiments/simulation datasets lib/loss lib/nn lib/metrics lib/stats lib/base# in link order
source = $(wildcard $1/*.c) $(if $(filter datasets,$1),$(wildcard datasets/*/*.c))
objects = $(patsubst %.c,$(BUILD)/%.o,$1)
archive = $(BUILD)/$(subst /,_,$1).a
MAIN := experiments/harness/main.c
LINKED := $(patsubst lib/base,lib/loss_double lib/base,$(MODULES))
ARCHIVES := $(foreach m,$(LINKED),$(call archive,$m))
TESTS := $(sort $(wildcard tests/*/test_*.c))
TEST_BINARIES := $(patsubst %.c,$(BUILD)/%,$(TESTS))

.DELETE_ON_ERROR:
.SECONDARY:
.DEFAULT_GOAL := help
.PHONY: help all experiments plan list catalogue datasets test golden bench verify sanitize nightly format format-check \
        clean install new-loss plugin fuzz dependencies test_binaries FORCE

## all           build build/lossbench
all: $(BUILD)/lossbench

# What these commands need is installed, or named, before the first file is compiled; DEPS=skip turns the check off.
NEEDS = $(if $(filter test test_binaries golden sanitize nightly $(BUILD)/tests/%,$(MAKECMDGOALS)),test,\
        $(if $(filter-out install plugin,$(or $(MAKECMDGOALS),all)),experiments,library))
dependencies:
	@DEPS='$(DEPS)' CC='$(CC)' .ci/dependencies $(NEEDS)

# Objects are made anew when the compiler or its options change; warnings do not count, they change no object.
FLAGS_STAMP := $(BUILD)/flags.stamp
COMMIT_STAMP := $(BUILD)/commit.stamp
stamp = @mkdir -p $(@D); echo '$1' | cmp -s - $@ || echo '$1' >$@
$(FLAGS_STAMP): FORCE
	$(call stamp,$(CC) $(filter-out $(WARNINGS),$(ALLFLAGS)))

# The commit that REPORT.md names, with + when a source differs from it.
COMMIT := $(shell git rev-parse --short=12 HEAD 2>/dev/null || echo unknown)$(shell \
            git diff --quiet HEAD -- lib datasets experiments Makefile 'plots/*.gp' 2>/dev/null || echo +)
$(COMMIT_STAMP): FORCE
	$(call stamp,$(VERSION) $(COMMIT))
REPORT := $(BUILD)/experiments/harness/report.o
$(REPORT): $(COMMIT_STAMP)
$(REPORT): CPPFLAGS += -DLOSSBENCH_VERSION='"$(VERSION)"' -DLOSSBENCH_COMMIT='"$(COMMIT)"'

$(BUILD)/lossbench: $(BUILD)/$(MAIN:.c=.o) $(ARCHIVES)
	$(Q)$(CC) $(ALLFLAGS) $(LDFLAGS) -o $@ $^ $(LDLIBS)

$(BUILD)/%.o: %.c $(FLAGS_STAMP) | dependencies
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(ALLFLAGS) $(if $(filter %_avx512.c,$<),$(WIDEFLAGS)) $(if $(filter tests/%,$<),$(TESTFLAGS)) -MMD -MP -c -o $@ $<

define module_rule
$(call archive,$1): $(call objects,$(filter-out $(MAIN),$(call source,$1)))
	$$(Q)rm -f $$@ && $$(AR) rcsD $$@ $$^
endef
$(foreach m,$(MODULES),$(eval $(call module_rule,$m)))

# The losses once more in double: the same sources, their public names loss_double_*, all others local to one object.
DOUBLES := $(patsubst %.c,$(BUILD)/double/%.o,$(call source,lib/loss))
$(BUILD)/double/%.o: %.c $(FLAGS_STAMP) | dependencies
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(ALLFLAGS) -include lib/loss/loss_double.h -MMD -MP -c -o $@ $<
$(BUILD)/lib_loss_double.a: $(DOUBLES)
	$(Q)$(LD) -r -o $(BUILD)/double/all.o $^
	$(Q)$(OBJCOPY) -w --keep-global-symbol='loss_double_*' $(BUILD)/double/all.o
	$(Q)rm -f $@ && $(AR) rcsD $@ $(BUILD)/double/all.o

# A test of a module links that module and what lies below it: an upward include does not link.
test_archives = $(strip $(if $(filter base,$1),lib/base,$(if $(filter loss,$1),lib/loss lib/loss_double lib/base,\
                $(if $(filter nn metrics stats,$1),lib/$1 lib/base,$(if $(filter datasets,$1),datasets lib/base,$(LINKED))))))
# What the tests of a directory share: its .c files that are not tests.
test_support = $(patsubst %.c,$(BUILD)/%.o,$(filter-out $(TESTS),$(wildcard $(dir $1)*.c)))
define test_rule
$(BUILD)/$(1:.c=): $(BUILD)/$(1:.c=.o) $(call test_support,$1) $(foreach m,$(call test_archives,$(word 2,$(subst /, ,$1))),$(call archive,$m))
	$$(Q)$$(CC) $$(ALLFLAGS) $$(LDFLAGS) -o $$@ $$^ -lcriterion $$(LDLIBS)
endef
$(foreach t,$(TESTS),$(eval $(call test_rule,$t)))

# Fuzz targets: with a main that replays inputs, or with libFuzzer (tests/fuzz/run).
FUZZERS := $(patsubst %.c,$(BUILD)/%,$(wildcard tests/fuzz/fuzz_*.c))
FUZZ_MAIN ?= $(BUILD)/tests/fuzz/replay.o
$(FUZZERS): $(BUILD)/%: $(BUILD)/%.o $(filter %.o,$(FUZZ_MAIN)) $(call archive,lib/loss) $(call archive,lib/base)
	$(Q)$(CC) $(ALLFLAGS) $(LDFLAGS) -o $@ -Wl,--start-group $^ -Wl,--end-group $(filter -%,$(FUZZ_MAIN)) $(LDLIBS)
$(filter %_eval %_plugin %_seg %_voc %_pcb %_numbers,$(FUZZERS)): $(ARCHIVES)

# --- losses: the library by itself, new ones ------------------------------------------------------------------------------
PREFIX ?= /usr/local
LIBDIR ?= $(PREFIX)/lib
INCLUDEDIR ?= $(PREFIX)/include
SONAME := libloss.so.$(firstword $(subst ., ,$(VERSION)))
pic_objects = $(patsubst %.c,$(BUILD)/pic/%.o,$(call source,$1))

$(BUILD)/pic/%.o: %.c $(FLAGS_STAMP) | dependencies
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(ALLFLAGS) -fPIC -fno-semantic-interposition -MMD -MP -c -o $@ $<
$(BUILD)/pic/lib_base.a: $(call pic_objects,lib/base)
$(BUILD)/pic/lib_loss.a: $(call pic_objects,lib/loss)
$(BUILD)/pic/lib_base.a $(BUILD)/pic/lib_loss.a:
	$(Q)rm -f $@ && $(AR) rcsD $@ $^

# All losses with what they need of lib/base as one object. What loss_double.h renames is public, all else local.
$(BUILD)/pic/public.txt: lib/loss/loss_double.h
	@mkdir -p $(@D)
	$(Q)sed -n 's/^#define \(loss_[a-z_]*\) loss_double_.*/\1/p' $< >$@
$(BUILD)/pic/libloss.o: $(call pic_objects,lib/loss) $(BUILD)/pic/lib_base.a $(BUILD)/pic/public.txt
	$(Q)$(LD) -r -o $@ $(filter-out %.txt,$^)
	$(Q)$(OBJCOPY) --keep-global-symbols=$(BUILD)/pic/public.txt $@
$(BUILD)/libloss.a: $(BUILD)/pic/libloss.o
	$(Q)rm -f $@ && $(AR) rcsD $@ $^
$(BUILD)/libloss.so: $(BUILD)/pic/libloss.o
	$(Q)$(CC) $(ALLFLAGS) $(LDFLAGS) -shared -Wl,-soname,$(SONAME) -Wl,-z,defs -o $@ $^ -lm
$(BUILD)/loss.h: lib/loss/public_header.awk lib/base/error.h lib/base/spec.h lib/loss/loss.h
	@mkdir -p $(@D)
	$(Q)awk -f $< RS= $(wordlist 2,3,$^) RS='\n' $(lastword $^) >$@

## install       libloss (static, shared, header, pkg-config) to PREFIX=/usr/local; needs a C compiler only
install: $(BUILD)/libloss.a $(BUILD)/libloss.so $(BUILD)/loss.h
	$(Q)install -d '$(DESTDIR)$(LIBDIR)/pkgconfig' '$(DESTDIR)$(INCLUDEDIR)'
	$(Q)install -m 644 $(BUILD)/libloss.a '$(DESTDIR)$(LIBDIR)/libloss.a'
	$(Q)install -m 755 $(BUILD)/libloss.so '$(DESTDIR)$(LIBDIR)/libloss.so.$(VERSION)'
	$(Q)ln -sf libloss.so.$(VERSION) '$(DESTDIR)$(LIBDIR)/$(SONAME)'
	$(Q)ln -sf $(SONAME) '$(DESTDIR)$(LIBDIR)/libloss.so'
	$(Q)install -m 644 $(BUILD)/loss.h '$(DESTDIR)$(INCLUDEDIR)/loss.h'
	$(Q)printf '%s\n' 'prefix=$(PREFIX)' 'libdir=$(LIBDIR)' 'includedir=$(INCLUDEDIR)' '' 'Name: libloss' \
	    'Description: Losses for defect detection with exact gradients' 'Version: $(VERSION)' \
	    'Libs: -L$${libdir} -lloss' 'Libs.private: -lm' 'Cflags: -I$${includedir}' \
	    >'$(DESTDIR)$(LIBDIR)/pkgconfig/libloss.pc'

## new-loss      start a loss: NAME=my_loss KIND=binary|mask|multiclass|regression|box [LOSS_DIR=elsewhere, for a plug-in]
new-loss:
	$(Q)lib/loss/new-loss '$(NAME)' '$(KIND)' '$(LOSS_DIR)'

## plugin        build a loss from outside the tree as a shared object beside it: LOSS_FILE=path/my_loss.c
plugin: $(BUILD)/pic/lib_loss.a $(BUILD)/pic/lib_base.a
	$(Q)case '$(LOSS_FILE)' in *.c) test -f '$(LOSS_FILE)' ;; *) false ;; esac || \
	    { echo "plugin needs the C file of a loss: make plugin LOSS_FILE=path/my_loss.c" >&2; exit 1; }
	$(Q)$(CC) $(CPPFLAGS) $(ALLFLAGS) $(LDFLAGS) -DLOSS_PLUGIN -fPIC -shared -Wl,--exclude-libs,ALL -Wl,-z,defs \
	    -o '$(LOSS_FILE:.c=.so).new' '$(LOSS_FILE)' $^ -lm && mv '$(LOSS_FILE:.c=.so).new' '$(LOSS_FILE:.c=.so)'

# --- experiments ------------------------------------------------------------------------------------------------------
RUN = $(BUILD)/lossbench $1 --profile '$(PROFILE)' --only '$(ONLY)' --loss '$(LOSS)' --dataset '$(DATASET)' --out '$(OUT)' \
      --jobs '$(JOBS)' --datasets '$(DATASETS)'

## experiments   train what is missing, then write tables, plots and REPORT.md
experiments: all
	$(Q)$(call RUN,run)

## plan          number of trials and expected time of `make experiments`
plan: all
	$(Q)$(call RUN,plan)

## list          losses, data sets, models and experiments, each with its parameters
list: all
	$(Q)$(call RUN,list)

## catalogue     write docs/LOSSES.md and a picture of each loss, plots/losses, anew
catalogue: all
	$(Q)$(call RUN,catalogue)

## verify        train a sample of the published trials again and compare their bits
verify: all
	$(Q)$(call RUN,verify)

## datasets      fetch the public data that may be fetched; say where to get the rest
datasets:
	@DEPS='$(DEPS)' .ci/dependencies datasets
	$(Q)datasets/public/fetch

# --- tests ------------------------------------------------------------------------------------------------------------
RUN_TESTS = BUILD='$(BUILD)' CC='$(CC)' DATASETS='$(DATASETS)' MAKE='$(MAKE)' tests/run
test_binaries: all $(TEST_BINARIES) $(FUZZERS)

## test          all tests: units, bits over compilers, end to end
test: test_binaries
	$(Q)$(RUN_TESTS) all

## nightly       the unit tests with the simulations at full size
nightly: test_binaries
	$(Q)LOSSBENCH_NIGHTLY=1 $(RUN_TESTS) units

## sanitize      unit tests, bad input and fuzz corpus under the address and undefined-behaviour sanitizers
sanitize:
	$(Q)$(MAKE) --no-print-directory BUILD=$(BUILD)/sanitize OPT=-O1 \
	    SANITIZE='-fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer' test_binaries
	$(Q)BUILD=$(BUILD)/sanitize CC='$(CC)' DATASETS='$(DATASETS)' tests/run sanitized

## fuzz          search for inputs that break a promise: TARGET=expression|batch|eval|plugin|seg|voc|pcb|numbers SECONDS=60; needs clang
fuzz:
	$(Q)BUILD='$(BUILD)' MAKE='$(MAKE)' tests/fuzz/run '$(TARGET)' '$(or $(SECONDS),60)'

## golden        renew the tables that the smoke run is compared with (tests/golden/smoke)
golden:
	$(Q)$(MAKE) --no-print-directory experiments PROFILE=smoke OUT=$(BUILD)/smoke ONLY= LOSS= DATASET=
	$(Q)tests/smoke/compare --renew $(BUILD)/smoke

## bench         speed of losses and of training on one core, beside PyTorch where it is installed
bench: all
	$(Q)BUILD='$(BUILD)' CC='$(CC)' MAKE='$(MAKE)' tests/bench/losses
	$(Q)BUILD='$(BUILD)' CC='$(CC)' MAKE='$(MAKE)' tests/bench/run
	$(Q)BUILD='$(BUILD)' CC='$(CC)' MAKE='$(MAKE)' tests/bench/simulation

# --- the house --------------------------------------------------------------------------------------------------------
FORMATTED = $(shell git ls-files '*.c' '*.h')

## format        lay out all C files with clang-format; format-check only looks
format:
	$(Q)clang-format -i $(FORMATTED)

format-check:
	$(Q)clang-format --dry-run -Werror $(FORMATTED)

## clean         remove build/; results, plots and fetched data stay
clean:
	$(Q)rm -rf $(BUILD)

## help          this list
help:
	@sed -n 's/^## //p' Makefile
	@echo
	@echo 'experiments:   PROFILE=smoke|quick|standard|full ONLY=experiment,.. LOSS=loss,.. DATASET=block,.. JOBS=n'
	@echo '               OUT=dir (. for standard, build/PROFILE otherwise, build/PROFILE-partial when narrowed)'
	@echo '               DATASETS=dir:dir (search path of public data)'
	@echo 'build:         CC= ARCH=x86-64-v3|native|portable OPT=-O3 SANITIZE= BUILD=dir WERROR=1 V=1 (show commands)'
	@echo '               DEPS=skip (do not look for missing packages)'
	@echo 'install:       PREFIX=/usr/local LIBDIR=PREFIX/lib INCLUDEDIR=PREFIX/include DESTDIR='

-include $(DOUBLES:.o=.d) $(patsubst %.o,%.d,$(call pic_objects,lib/loss) $(call pic_objects,lib/base)) \
         $(patsubst %.o,%.d,$(call objects,$(foreach m,$(MODULES),$(call source,$m)) $(wildcard tests/*/*.c)))
